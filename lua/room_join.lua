#!lua
-- room_join: give each newcomer of a batch a number in the line of the current drop.
--
-- Why: one buyer has one place in a line, however often the call is repeated. Only a buyer who
-- left gets another, and only by a new join key: a late copy of the old join must not put back in
-- line who has gone. A join is remembered as number * 2^20 + mark of its join key, negative once
-- its holder has left.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop named in ARGV
--   3+ joins+  hash  the join bucket of each record, in the batch's order
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 drop     integer 0..64; the drop whose keys these are
--   3 batch    msgpack 1..256 records of [field, mark of the join key 0..1048575]
-- REPLY one list per record, in order of precedence
--   missing                             this store knows no such room
--   moved drop                          another drop is the current one: ask with its keys
--   again number now_ms
--   early lobby_ms                      joins are taken from then on
--   refused state                       draining or closed
--   joined number now_ms
-- COST O(records)
--@include room
local MARKS = 1048576
local batch = cmsgpack.unpack(ARGV[3])
local now = now_ms(ARGV[1])
local room = read_room(KEYS[1], now)

local function all(...)
  local replies = {}
  for i = 1, #batch do replies[i] = { ... } end
  return replies
end

if not room then return all('missing') end
if room.drop ~= tonumber(ARGV[2]) then return all('moved', room.drop) end
if room.drop == 0 then return all('early', room.next_ms - room.lobby_ms) end
local refused = room.state == 'draining' or room.state == 'closed'
local before = tonumber(redis.call('HGET', KEYS[2], 'tail') or 0)
local tail = before
local replies, given, written = {}, {}, {}
for i, record in ipairs(batch) do
  local key, field, mark = KEYS[i + 2], record[1], record[2]
  local known = given[key .. field] or tonumber(redis.call('HGET', key, field) or 0)
  local left = known < 0
  if left then known = -known end
  local number = math.floor(known / MARKS)
  if known > 0 and not (left and known % MARKS ~= mark) then
    replies[i] = { 'again', number, now }
  elseif refused then
    replies[i] = { 'refused', room.state }
  else
    tail = tail + 1
    given[key .. field] = tail * MARKS + mark
    written[#written + 1] = i
    replies[i] = { 'joined', tail, now }
  end
end

local keep_s = KEEP_S + math.ceil(math.max(0, room.opens_ms - now) / 1000)
for _, i in ipairs(written) do
  local key, field = KEYS[i + 2], batch[i][1]
  redis.call('HSET', key, field, whole(given[key .. field]))
  redis.call('EXPIRE', key, keep_s)
end
if tail > before then redis.call('HSET', KEYS[2], 'tail', whole(tail)) end
return replies
