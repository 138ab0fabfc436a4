#!lua
-- room_join: give each newcomer of a batch a number in a lane of the line that is on.
--
-- Why: one buyer has one place in a line, however often the call is repeated. Only a buyer who
-- left gets another, and only by a new join key: a late copy of the old join must not put back in
-- line who has gone. Whoever has a place keeps its lane, whatever the next join asks for. A join is
-- remembered in one number (see MARKS), negative once its holder has left. Who comes before the
-- opening is drawn: a leaf stands for it in the list of its lane, at its number, so that a list that
-- was lost has zeros there. The first who comes later closes the list. A join that was forgotten is
-- found again by the place that its buyer shows.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop and epoch named in ARGV
--   3+ joins+  hash  the join bucket of each record, in the batch's order
--   4+ lists+  string  after them, the list of each lane that a record names, from lane 0 on
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 drop     integer 0..64; the drop whose keys these are
--   3 epoch    integer 0..65535; the epoch whose keys these are
--   4 batch    msgpack 1..256 records of [field, mark of the join key 0..1048575, lane 0..7,
--     number in that lane that the buyer shows a place of, 0 for none]
--   5 leaves   string  of each record 16 bytes, in the batch's order
--   6 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per record, in order of precedence
--   missing                             this store knows no such room
--   moved drop epoch                    another line is on: ask with its keys
--   again lane number now_ms
--   early lobby_ms                      joins are taken from then on
--   refused state                       draining or closed
--   joined lane number now_ms
-- COST O(records)
--@include room
local LEAF_BYTES = 16
local batch = cmsgpack.unpack(ARGV[4])
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)

local function all(...)
  local replies = {}
  for i = 1, #batch do replies[i] = { ... } end
  return replies
end

if not room then return instead[1] == 'fenced' and instead or all('missing') end
if not is_current(room, ARGV[2], ARGV[3]) then return all('moved', room.drop, room.epoch) end
if room.drop == 0 then return all('early', room.next_ms - room.lobby_ms) end
local refused = room.state == 'draining' or room.state == 'closed'
local lanes, names, tails = #lanes_of(room), {}, {}
for lane = 0, lanes - 1 do names[lane + 1] = 'tail:' .. lane end
names[lanes + 1] = 'drawn:0'
local before = redis.call('HMGET', KEYS[2], unpack(names))
for lane = 0, lanes - 1 do tails[lane] = tonumber(before[lane + 1] or 0) end
for _, record in ipairs(batch) do    -- a number that was given before counts, whoever forgot it
  local lane, shown = record[3], record[4]
  if shown > (tails[lane] or shown) then tails[lane] = shown end
end
local is_over, is_closed = now >= room.opens_ms, before[lanes + 1]
local drawn, leaves = {}, {}
for lane = 0, lanes - 1 do drawn[lane], leaves[lane] = tails[lane], {} end
local keep_s = KEEP_S + math.ceil(math.max(0, room.opens_ms - now) / 1000)
local replies, news = {}, 0

-- Newcomers are most of a crowd: a new field is written at once, and read only where it was there.
local function known_or_written(key, field, shown, newcomer)
  if refused or shown > 0 then return tonumber(redis.call('HGET', key, field) or 0) end
  if redis.call('HSETNX', key, field, newcomer) == 1 then return nil end
  return tonumber(redis.call('HGET', key, field))
end

for i, record in ipairs(batch) do
  local key, field, mark, lane, shown = KEYS[i + 2], record[1], record[2], record[3], record[4]
  if lane >= lanes then lane = 0 end    -- the sale's files name a lane that came too late for it
  local newcomer = ((tails[lane] + 1) * LANES + lane) * MARKS + mark
  local known = known_or_written(key, field, shown, newcomer)
  local left = known and known < 0
  if left then known = -known end
  if known and known > 0 and not (left and known % MARKS ~= mark) then
    local place = math.floor(known / MARKS)
    replies[i] = { 'again', place % LANES, math.floor(place / LANES), now }
  elseif shown > 0 and not left then    -- the store forgot it; who left gets a new one
    redis.call('HSET', key, field, (shown * LANES + lane) * MARKS + mark)
    redis.call('EXPIRE', key, keep_s)
    replies[i] = { 'again', lane, shown, now }
    news = news + 1
  elseif refused then
    replies[i] = { 'refused', room.state }
  else
    if known then redis.call('HSET', key, field, newcomer) end
    -- Asking costs half of an EXPIRE, which is written to the log each time: the first one sets it.
    if redis.call('HLEN', key) == 1 then redis.call('EXPIRE', key, keep_s + KEEP_S) end
    tails[lane], news = tails[lane] + 1, news + 1
    leaves[lane][#leaves[lane] + 1] = string.sub(ARGV[5], (i - 1) * LEAF_BYTES + 1, i * LEAF_BYTES)
    replies[i] = { 'joined', lane, tails[lane], now }
  end
end

if news > 0 then
  for lane, tail in pairs(tails) do
    redis.call('HSET', KEYS[2], 'tail:' .. lane, whole(tail))
    if is_over and not is_closed then
      redis.call('HSET', KEYS[2], 'drawn:' .. lane, whole(drawn[lane]))
    elseif not is_over and not is_closed and #leaves[lane] > 0 then
      local list = KEYS[2 + #batch + lane + 1]
      redis.call('SETRANGE', list, whole(drawn[lane] * LEAF_BYTES), table.concat(leaves[lane]))
      redis.call('EXPIRE', list, keep_s)
      redis.call('HSET', KEYS[2], 'lobby', '1')
    end
  end
end
return replies
