#!lua
-- room_pump: call the next turns of each lane, as fast as operator and measurements allow.
--
-- Why: any gateway may pump. One at a time does, for a second from its last call; the others hear
-- 'resting' and write nothing, so a gateway that slept brings no old stock count with it. What is
-- called follows from the time since the last call, so two that pump at once call no more than one.
-- It also takes a clock that was set back for what it is (see fill): claims write nothing when they
-- refuse, so they cannot.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop and epoch named in ARGV
--   3 leases   zset  who is inside, scored by the end of the pass
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
--   10 likely         integer -1..1099511627776; so many more places it likely serves, -1 all
--   11 possible       integer -1..1099511627776; so many it possibly serves, -1 all
--   12 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   moved drop epoch                    another line is on: ask with its keys
--   resting until_ms                    another process pumps until then
--   pumped state called waiting active
-- COST O(log leases + turns called)
--@include room
--@include lanes
--@include speed
local TERM_MS = 1000        -- how long the one that pumps is waited for
local CATCH_UP_MS = 2000    -- how much of a pause between two calls is made up for
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

local line = redis.call('HMGET', KEYS[2], 'credit', 'pumped_ms', 'lobby', 'seed')
local lanes, waiting = read_lanes(room, KEYS[2])
local full = room.burst * TOKEN
local credit = math.min(full, tonumber(line[1] or full))  -- an idle line saves up a burst
local pumped_ms = tonumber(line[2] or now)
local stock_left = tonumber(ARGV[5])
if stock_left < 0 then stock_left = false end
local active = redis.call('ZCOUNT', KEYS[3], '(' .. whole(now), '+inf')
local state = state_of(room, stock_left, tonumber(ARGV[6]), line[3] and not line[4])

local called = 0
if state == 'open' and stock_left ~= 0 then
  local elapsed = math.max(0, math.min(CATCH_UP_MS, now - math.max(pumped_ms, room.opens_ms)))
  credit = credit + elapsed * room.rate_milli
  local bound = inside_bound(room, ARGV[9])
  local free = bound and math.max(0, bound - active) or waiting
  called = math.min(math.floor(credit / TOKEN), waiting, free)
  credit = credit - called * TOKEN
end

-- What was earned under the old ceiling is settled before the new one holds.
local level, filled_ms = fill(room)
if now < room.filled_ms - STEP_BACK_MS then level, filled_ms = 0, now end
redis.call('HSET', KEYS[1], 'pump', ARGV[4], 'pump_until_ms', whole(now + TERM_MS),
  'level', whole(level), 'filled_ms', whole(filled_ms), 'ceiling_milli', ARGV[7],
  'ceiling_reason', ARGV[8])
if room.drop > 0 then
  call_turns(KEYS[2], lanes, called)
  if state == 'open' then note_speeds(room, KEYS[2], lanes, now - pumped_ms) end
  redis.call('HSET', KEYS[2], 'credit', whole(credit), 'pumped_ms', whole(now),
    'inside_max', ARGV[9], 'likely', ARGV[10], 'possible', ARGV[11])
  if stock_left then
    redis.call('HSET', KEYS[2], 'stock_left', whole(stock_left), 'may_return', ARGV[6])
  else
    redis.call('HDEL', KEYS[2], 'stock_left', 'may_return')
  end
end
return { 'pumped', state, called, waiting - called, active }
