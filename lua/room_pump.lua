#!lua
-- room_pump: call the next turns of each lane, as fast as operator and measurements allow.
--
-- Why: any gateway may pump. One at a time does, for a second from its last call; the others hear
-- 'resting' and write nothing, so a gateway that slept brings no old stock count with it. What is
-- called follows from the time since the last call, so two that pump at once call no more than one.
-- More turns are called than there are tokens, by the share of the called that does not come, and
-- fewer while many stand at the door: how many are let in is the claim's to pace, so calling wrong
-- costs a moment's waiting and never a token too much.
-- It also takes a clock that was set back for what it is (see fill): claims write nothing when they
-- refuse, so they cannot.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop and epoch named in ARGV
--   3 leases   zset  who is inside, scored by the end of the pass
--   4 calls    zset  how far the lanes had been called when, scored by the clock of grace
-- ARGV
--   1 now_ms          integer 0..9007199254740991; 0 is the store's own clock
--   2 drop            integer 0..64; the drop whose keys these are
--   3 epoch           integer 0..65535; the epoch whose keys these are
--   4 owner           string  which process pumps
--   5 stock_left      integer -1..9007199254740991; what may be sold now, -1 is not known
--   6 may_return      integer 0..9007199254740991; what is held, and may be sold later
--   7 ceiling_milli   integer -1..100000000; what measurements allow, -1 is no bound
--   8 ceiling_reason  word    which of them allows no more
--   9 inside_max      integer -1..9007199254740991; as many inside as the stock can serve, -1 any
--   10 deciding_ms    integer -1..9007199254740991; so old a pass counts no more for that, -1 any
--   11 likely         integer -1..1099511627776; so many more places it likely serves, -1 all
--   12 possible       integer -1..1099511627776; so many it possibly serves, -1 all
--   13 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   moved drop epoch                    another line is on: ask with its keys
--   resting until_ms                    another process pumps until then
--   pumped state called waiting active
-- COST O(log leases + turns called)
--@include room
--@include lanes
--@include speed
--@include calls
local TERM_MS = 1000        -- how long the one that pumps is waited for
local CATCH_UP_MS = 2000    -- how much of a pause between two calls is made up for
local OVER_MAX = 5          -- so many turns are called for one token at most
local DOOR_AIM_MS = 1000    -- as many stand at the door as go in during this time
local DOOR_LONG_MS = 5000   -- whoever waits longer at the door has more grace for it
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
if not is_current(room, ARGV[2], ARGV[3]) then return { 'moved', room.drop, room.epoch } end
local term = redis.call('HMGET', KEYS[1], 'pump', 'pump_until_ms')
local until_ms = tonumber(term[2] or 0)
-- A term that ends later than any can was given before the clock was set back.
if term[1] ~= ARGV[4] and until_ms > now and until_ms <= now + TERM_MS then
  return { 'resting', until_ms }
end

local line = read_line(KEYS[2])
local lanes, waiting = read_lanes(room, line)
local full = room.burst * TOKEN
local credit = math.min(full, tonumber(line.credit or full))  -- an idle line saves up a burst
local pumped_ms = tonumber(line.pumped_ms or now)
local stock_left = tonumber(ARGV[5])
if stock_left < 0 then stock_left = false end
local inside = inside_of(room, KEYS[3], ARGV[9], ARGV[10])
local state = state_of(room, stock_left, tonumber(ARGV[6]),
  line.lobby and not line.seed)
local moves = state == 'open' and stock_left ~= 0
local door = at_door(line, now)
local in_time = tonumber(line.in_time or 0)
local came = math.floor(in_time + door)
local marks = newest_marks(KEYS[4])

-- The share of the called that comes is taken anew once the line has moved for long enough.
local moves_ms = tonumber(line.moves_ms or now)
if not moves or now - pumped_ms > CATCH_UP_MS then moves_ms = now end
local comes = tonumber(line.comes or 1000)
local is_measured = now - moves_ms >= SEEN_MS + DELAY_MS
if moves and is_measured then comes = share_that_comes(marks, now, came, comes) end

-- Who was called of late and is still to come, as far as one can tell.
local function coming()
  local called = 0
  for _, lane in ipairs(lanes) do called = called + lane.serving end
  local recent = mark_at(marks, now - SEEN_MS)
  return math.max(0, (called - recent.called) * comes / 1000 - (came - (recent.came or 0)))
end
local to_come = coming()

-- How many turns for one token: more the fewer come; fewer or none while the door is crowded, or
-- more are on their way to it than usual. Before the first can have come it says nothing.
local function over_offer()
  local per_s = math.max(1, room.rate_milli / 1000)
  local crowd = math.max(0, door - room.level / TOKEN)    -- the others have their tokens already
  if is_measured then crowd = crowd + math.max(0, to_come - per_s * DELAY_MS / 1000) end
  local brake = math.max(0, 1.5 - crowd / per_s * 1000 / DOOR_AIM_MS / 2)
  return math.min(OVER_MAX, 1000 / comes * math.min(is_measured and 1.5 or 1, brake))
end

-- With a bound on those inside, nobody is called for a slot that somebody called before may take.
local function slots()
  if inside.free == math.huge then return waiting end
  return math.max(0, math.floor((inside.free - door - to_come) * 1000 / comes))
end

-- How much of the time since the last call counts against those who were called: what they could
-- have come in. None while nobody goes in or nobody pumped, less while they wait long at the door.
local function grace_passed()
  if not moves or inside.free <= 0 or room.rate_milli == 0 then return 0 end
  local door_ms = (door - room.level / TOKEN) * TOKEN / room.rate_milli
  local elapsed = math.max(0, math.min(CATCH_UP_MS, now - pumped_ms))
  return elapsed * math.min(1, DOOR_LONG_MS / math.max(1, door_ms))
end

local called = 0
for _, lane in ipairs(lanes) do lane.called = 0 end
if moves then
  local elapsed = math.max(0, math.min(CATCH_UP_MS, now - math.max(pumped_ms, room.opens_ms)))
  credit = credit + math.floor(elapsed * room.rate_milli * over_offer())
  called = math.min(math.floor(credit / TOKEN), waiting, slots())
  credit = credit - called * TOKEN
  share_turns(lanes, called)
end

-- What was earned under the old ceiling is settled before the new one holds.
local level, filled_ms = fill(room)
if now < room.filled_ms - STEP_BACK_MS then
  level, filled_ms = 0, now
  redis.call('HSET', KEYS[1], 'late_level', 0, 'late_ms', whole(now))
end
redis.call('HSET', KEYS[1], 'pump', ARGV[4], 'pump_until_ms', whole(now + TERM_MS),
  'level', whole(level), 'filled_ms', whole(filled_ms), 'ceiling_milli', ARGV[7],
  'ceiling_reason', ARGV[8])
if room.drop == 0 then return { 'pumped', state, 0, waiting, inside.active } end

local grace = tonumber(line.grace_clock or 0) + grace_passed()
local late = mark_of_grace(KEYS[4], grace - room.grace_ms)
local lapsed = mark_of_grace(KEYS[4], grace - room.grace_ms - LATE_MS)
for _, lane in ipairs(lanes) do
  if lane.waiting == 0 then lane.due = 0 end
  redis.call('HSET', KEYS[2], 'serving:' .. lane.index, whole(lane.serving),
    'due:' .. lane.index, whole(lane.due),
    'late:' .. lane.index, whole(math.max(lane.late, late[lane.index] or 0)),
    'lapsed:' .. lane.index, whole(math.max(lane.lapsed, lapsed[lane.index] or 0)))
end
if moves then write_mark(KEYS[4], room, grace, came, lanes) end
redis.call('HSET', KEYS[2], 'credit', whole(credit), 'pumped_ms', whole(now),
  'moves_ms', whole(moves_ms), 'comes', whole(comes), 'inside_max', ARGV[9],
  'deciding_ms', ARGV[10], 'likely', ARGV[11], 'possible', ARGV[12], 'grace_clock', whole(grace))
if state == 'open' then note_speeds(room, KEYS[2], lanes, now - pumped_ms) end
if stock_left then
  redis.call('HSET', KEYS[2], 'stock_left', whole(stock_left), 'may_return', ARGV[6])
else
  redis.call('HDEL', KEYS[2], 'stock_left', 'may_return')
end
return { 'pumped', state, called, waiting - called, inside.active }
