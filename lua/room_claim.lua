#!lua
-- room_claim: let the holders of called places in, at exactly the room's rate, in the batch's order.
--
-- Why: turns are called softly, people are let in exactly. The bucket is taken from in the step
-- that writes the turn, so that no window of w seconds ever lets in more than rate * w + burst. A
-- place is let in once: its turn is remembered with the times of its pass, and a repeat makes the
-- same pass from them; a pass that ran out was the turn. A turn whose grace is over shares a fifth of
-- the rate with others like it, so that they never hold up those who come in time. Whoever is told
-- to come back counts as standing at the door for as long, which is what the pump calls the next
-- ones by. A number above the tail was given before the store forgot it: the line reaches that far.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop and epoch named in ARGV
--   3 leases   zset  who is inside, scored by the end of the pass
--   4+ turns+  hash  of each record: number → 'issued_ms expires_ms', or 'left'
-- ARGV
--   1 now_ms    integer 0..9007199254740991; 0 is the store's own clock
--   2 drop      integer 1..64; the places' drop
--   3 epoch     integer 1..65535; the places' epoch
--   4 batch     msgpack 1..256 records of [lane 0..7, number, turn; 0 is not known]
--   5 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per record, in order of precedence
--   missing                             this store knows no such room
--   left                                its holder left the line
--   spent                               its pass has run out
--   again issued_ms expires_ms
--   reset                               an operator has begun a new epoch
--   over drop                           that drop's lobby has come, this place's drop is past
--   closed
--   wait state ahead wait_ms            lobby, paused, draining, sold_out or all_held
--   turn ahead wait_ms                  not called yet
--   missed                              called so long ago that the turn is over
--   full wait_ms                        as many are inside as may be
--   pace wait_ms                        called, and there is no token for it yet
--   admitted issued_ms expires_ms
-- COST O(records log leases)
--@include room
--@include calls
local COME_BACK_MS = 100    -- nobody is told to come back sooner,
local FAR_MS = 5000         -- or later than this and the spread
local SPREAD_MS = 2000
local now = now_ms(ARGV[1])
local drop, epoch = tonumber(ARGV[2]), tonumber(ARGV[3])
local batch = cmsgpack.unpack(ARGV[4])
local replies = {}
local room, instead = read_room(KEYS[1], now)
if not room then
  if instead[1] == 'fenced' then return instead end
  for i = 1, #batch do replies[i] = instead end
  return replies
end

-- What a place hears for ever, whatever the room does.
local function told_before(turn)
  if turn == 'left' then return { 'left' } end
  local issued, expires = string.match(turn, '^(%d+) (%d+)$')
  if tonumber(expires) <= now then return { 'spent' } end
  return { 'again', tonumber(issued), tonumber(expires) }
end

local known, stopped = {}, nil
for i, record in ipairs(batch) do known[i] = redis.call('HGET', KEYS[i + 3], whole(record[2])) end
if room.epoch < epoch then
  stopped = { 'missing' }
elseif room.epoch > epoch then
  stopped = { 'reset' }
elseif room.drop > drop then
  stopped = { 'over', room.drop }
elseif room.state == 'closed' then
  stopped = { 'closed' }
end
if stopped then
  for i = 1, #batch do replies[i] = known[i] and told_before(known[i]) or stopped end
  return replies
end

local line = read_line(KEYS[2])
local function count(name, lane) return tonumber(line[name .. ':' .. lane] or 0) end
-- A place of a drop whose lobby has not come: the opening was put off while it waited.
local stock_left = line.stock_left and tonumber(line.stock_left)
local state = room.drop < drop and 'lobby'
  or state_of(room, stock_left, tonumber(line.may_return or 0), line.lobby and not line.seed)
if state == 'open' and stock_left == 0 then state = 'all_held' end
local opens_ms = room.drop < drop and room.next_ms or room.opens_ms
local free = inside_of(room, KEYS[3], line.inside_max, line.deciding_ms).free
local level, filled_ms = fill(room)
local late_level = fill_late(room)
local door = at_door(line, now)
local door_before, paced, late_paced = door, 0, 0
local admitted, leases, by_lane, last, tails = {}, {}, {}, {}, {}

-- How long so many turns take; at a rate of 0 as if it were 1, for claims to be spread by.
local function turns_ms(turns)
  local rate_milli = room.rate_milli > 0 and room.rate_milli or 1000
  return math.ceil(turns * TOKEN / rate_milli)
end

-- The n-th of a batch that finds no token comes back for the n-th next one, and a little later by a
-- fraction of its own and of the moment, so that those at the door do not come all at once.
-- Late ones wait for the tokens of their own, smaller bucket.
local function come_back_ms(turn, is_late)
  paced = paced + 1
  local fraction = ((turn + now % 65536) * 40503 % 65536) / 65536
  local wait_ms = turns_ms(paced - level / TOKEN)
  local spread_ms = math.min(SPREAD_MS, turns_ms(door_before + paced))
  if is_late then
    late_paced, spread_ms = late_paced + 1, SPREAD_MS
    wait_ms = math.max(wait_ms, turns_ms(LATE_SHARE * (late_paced - late_level / TOKEN)))
  end
  return math.max(COME_BACK_MS, math.min(FAR_MS, wait_ms)) + math.floor(fraction * spread_ms)
end

local function claim(i, lane, number, turn)
  if number > math.max(tails[lane] or 0, count('tail', lane)) then tails[lane] = number end
  if number > count('drawn', lane) then turn = number end    -- joined after the draw
  local ahead = turn == 0 and number or math.max(0, turn - count('serving', lane))
  local told = state
  if told == 'open' and turn == 0 then told = 'lobby' end    -- drawn, and the gateway is late
  if told ~= 'open' then
    return { 'wait', told, ahead, math.max(0, opens_ms - now) + turns_ms(ahead) }
  end
  if ahead > 0 then return { 'turn', ahead, turns_ms(ahead) } end
  if turn <= count('lapsed', lane) then return { 'missed' } end
  local is_late = turn <= count('late', lane)
  local is_full = free <= 0
  if is_full or level < TOKEN or (is_late and late_level < TOKEN) then
    local wait_ms = come_back_ms(turn, is_late)
    if not is_late then door = door + wait_ms / DOOR_MS end
    return { is_full and 'full' or 'pace', wait_ms }
  end
  free, level = free - 1, level - TOKEN
  if is_late then late_level = late_level - TOKEN end
  -- A pass ends on a whole second, as a JWT must; the lease ends with it.
  local expires_ms = math.floor((now + room.pass_ms) / 1000) * 1000
  local text = whole(now) .. ' ' .. whole(expires_ms)
  admitted[#admitted + 1] = { KEYS[i + 3], whole(number), text }
  leases[#leases + 1] = whole(expires_ms)
  leases[#leases + 1] = string.format('%s.%s.%d:%.0f', ARGV[2], ARGV[3], lane, number)
  by_lane[lane] = (by_lane[lane] or 0) + 1
  if not is_late then line.in_time = tonumber(line.in_time or 0) + 1 end
  last[KEYS[i + 3] .. ' ' .. whole(number)] = text
  return { 'admitted', now, expires_ms }
end

for i, record in ipairs(batch) do
  local before = known[i] or last[KEYS[i + 3] .. ' ' .. whole(record[2])]
  replies[i] = before and told_before(before) or claim(i, record[1], record[2], record[3])
end

for lane, tail in pairs(tails) do redis.call('HSET', KEYS[2], 'tail:' .. lane, whole(tail)) end
if door ~= door_before then
  redis.call('HSET', KEYS[2], 'door', whole(door * 1000), 'door_ms', whole(now))
end
if #admitted == 0 then return replies end
redis.call('HSET', KEYS[1], 'level', whole(level), 'filled_ms', whole(filled_ms),
  'late_level', whole(late_level), 'late_ms', whole(now))
for lane, some in pairs(by_lane) do redis.call('HINCRBY', KEYS[2], 'admitted:' .. lane, some) end
redis.call('HSET', KEYS[2], 'in_time', whole(tonumber(line.in_time or 0)))
for _, one in ipairs(admitted) do
  redis.call('HSET', one[1], one[2], one[3])
  redis.call('EXPIRE', one[1], KEEP_S)
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', whole(now))
redis.call('ZADD', KEYS[3], unpack(leases))
return replies
