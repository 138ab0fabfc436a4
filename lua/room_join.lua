#!lua
-- room_join: give each newcomer of a batch a number in a lane of the line that is on.
--
-- Why: one buyer has one place in a line, however often the call is repeated. Only a buyer who
-- left gets another, and only by a new join key: a late copy of the old join must not put back in
-- line who has gone. Whoever has a place keeps its lane, whatever the next join asks for. Who comes
-- before the opening is drawn: a leaf stands for it in the list of its lane, at its number, so that
-- a list that was lost has zeros there. The first who comes later closes the list. A join that was
-- forgotten is found again by the place that its buyer shows.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop and epoch named in ARGV
--   3 kept     string  a bit for each join bucket that has its expiry
--   4+ joins+  hash  the join bucket of each record, in the batch's order
--   5+ lists+  string  after them, the list of each lane that a record names, from lane 0 on
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 drop     integer 0..64; the drop whose keys these are
--   3 epoch    integer 0..65535; the epoch whose keys these are
--   4 batch    string  1..256 records joined, each as RECORD says: field in its bucket, number of the
--     bucket, mark of the join key, lane 0..7, number in it that the buyer shows a place of or 0
--   5 leaves   string  of each record 16 bytes, in the batch's order
--   6 shown    string  of each lane that records show places of, joined: lane, the highest number
--   7 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence; behind `told` a word and a number for each record
--   missing                             this store knows no such room
--   moved drop epoch                    another line is on: ask with its keys
--   early lobby_ms                      joins are taken from then on
--   told now_ms
--   again place                         number * 8 + lane
--   draining 0
--   closed 0
--   joined place
-- COST O(records)
--@include room
--@include joins
local LEAF_BYTES, RECORD, RECORD_BYTES, SHOWN = 16, '>c8HI3BI5', 19, '>BI5'
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
if not is_current(room, ARGV[2], ARGV[3]) then return { 'moved', room.drop, room.epoch } end
if room.drop == 0 then return { 'early', room.next_ms - room.lobby_ms } end

local call, pack, split, KEYS = redis.call, struct.pack, struct.unpack, KEYS
local batch, given, shown_at = ARGV[4], ARGV[5], 1
local refused = (room.state == 'draining' or room.state == 'closed') and room.state
local lanes, names, tails, drawn, leaves = #lanes_of(room), {}, {}, {}, {}
for lane = 0, lanes - 1 do names[lane + 1] = 'tail:' .. lane end
names[lanes + 1] = 'drawn:0'
local before = call('HMGET', KEYS[2], unpack(names))
for lane = 0, lanes - 1 do tails[lane] = tonumber(before[lane + 1] or 0) end
while shown_at <= #ARGV[6] do    -- a number that was given before counts, whoever forgot it
  local lane, shown
  lane, shown, shown_at = split(SHOWN, ARGV[6], shown_at)
  if shown > (tails[lane] or shown) then tails[lane] = shown end
end
for lane = 0, lanes - 1 do drawn[lane], leaves[lane] = tails[lane], {} end
local is_over, is_closed = now >= room.opens_ms, before[lanes + 1]
local is_drawn = not is_over and not is_closed
local keep_s = KEEP_S + math.ceil(math.max(0, room.opens_ms - now) / 1000)
local kept, unkept, replies, news = call('GET', KEYS[3]) or '', {}, { 'told', now }, 0

-- To ask a bucket whether it has its expiry costs half as much as a join; one string tells of all.
local function keep(key, bucket)
  local bit_of = 2 ^ (7 - bucket % 8)
  if (kept:byte((bucket - bucket % 8) / 8 + 1) or 0) % (2 * bit_of) >= bit_of then return end
  call('EXPIRE', key, keep_s + KEEP_S)
  local last = #unkept
  unkept[last + 1], unkept[last + 2], unkept[last + 3], unkept[last + 4] = 'SET', 'u1', bucket, 1
end

-- The leaf of a record: most stand beside each other in the list as they do in the batch.
local function leaf_of(lane, i)
  local runs = leaves[lane]
  local last = #runs
  if runs[last] == i - 1 then runs[last] = i else runs[last + 1], runs[last + 2] = i, i end
end

local function leaves_in(runs)
  local parts = {}
  for at = 1, #runs, 2 do
    parts[#parts + 1] = given:sub((runs[at] - 1) * LEAF_BYTES + 1, runs[at + 1] * LEAF_BYTES)
  end
  return table.concat(parts)
end

for i = 1, #batch / RECORD_BYTES do
  local key, word, place = KEYS[i + 3], 'again', nil
  local field, bucket, mark, lane, shown = split(RECORD, batch, (i - 1) * RECORD_BYTES + 1)
  if lane >= lanes then lane = 0 end    -- the sale's files name a lane that came too late for it
  local number = tails[lane] + 1
  local newcomer, known, left, known_mark = pack(JOIN, mark, lane, number), nil, nil, nil
  -- Newcomers are most of a crowd: a new field is written at once, and read only if it was there.
  if refused or shown > 0 or call('HSETNX', key, field, newcomer) == 0 then
    known = call('HGET', key, field)
    if known then left, known_mark, place = join_of(known) end
  end
  if known and not (left and known_mark ~= mark) then
    word = 'again'
  elseif shown > 0 and not left then    -- the store forgot it; who left gets a new one
    call('HSET', key, field, join_text(mark, lane, shown))
    keep(key, bucket)
    place, news = shown * LANES + lane, news + 1
  elseif refused then
    word, place = refused, 0
  else
    if known then call('HSET', key, field, newcomer) end
    keep(key, bucket)
    if is_drawn then leaf_of(lane, i) end
    word, place, tails[lane], news = 'joined', number * LANES + lane, number, news + 1
  end
  replies[2 * i + 1], replies[2 * i + 2] = word, place
end

if #unkept > 0 then
  call('BITFIELD', KEYS[3], unpack(unkept))
  -- It ends with the first of its buckets: none of them lives on without it.
  if kept == '' then call('EXPIRE', KEYS[3], keep_s + KEEP_S) end
end
if news == 0 then return replies end
local line = {}
for lane, tail in pairs(tails) do
  line[#line + 1], line[#line + 2] = 'tail:' .. lane, whole(tail)
  if is_over and not is_closed then
    line[#line + 1], line[#line + 2] = 'drawn:' .. lane, whole(drawn[lane])
  end
  if #leaves[lane] > 0 then
    local list = KEYS[3 + #batch / RECORD_BYTES + lane + 1]
    call('SETRANGE', list, whole(drawn[lane] * LEAF_BYTES), leaves_in(leaves[lane]))
    call('EXPIRE', list, keep_s)
    line[#line + 1], line[#line + 2] = 'lobby', '1'
  end
end
call('HSET', KEYS[2], unpack(line))
return replies
