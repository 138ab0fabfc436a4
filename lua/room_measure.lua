#!lua
-- room_measure: hand in what one gateway has measured, and hear what all of them have.
--
-- Why: a room's brakes go by all purchases, whichever gateway served them, so each gateway hands in
-- its own once a second and any of them can pump. Counts are those of a process since it began: a
-- lost or repeated call changes nothing. Only what was bought is summed here, because processes
-- come and go within a drop.
--
-- KEYS
--   1 measured  hash  gateway → 'at_ms passes orders units report'; sums of the drop
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 owner    string  which process reports
--   3 passes   integer 0..9007199254740991; given by it since it began
--   4 orders   integer 0..9007199254740991; made with passes at it since it began
--   5 units    integer 0..9007199254740991; of those orders
--   6 report   string  what else it measured, 1024 bytes at most
-- REPLY one list
--   measured now_ms passes orders units reports    reports: owner report, of the last 5 s
-- COST O(gateways)
--@include room
local STALE_MS = 5000
local GONE_MS = 60000
local now = now_ms(ARGV[1])
assert(#ARGV[6] <= 1024, 'a report has 1024 bytes at most')
local sums, reports = { passes = 0, orders = 0, units = 0 }, {}
local before
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  local name, value = flat[i], flat[i + 1]
  if sums[name] then
    sums[name] = tonumber(value)
  elseif name == ARGV[2] then
    before = value
  else
    local at_ms, report = string.match(value, '^(%d+) %d+ %d+ %d+ (.*)$')
    local age_ms = math.abs(now - tonumber(at_ms))  -- of the future: a clock was set back
    if age_ms > GONE_MS then
      redis.call('HDEL', KEYS[1], name)
    elseif age_ms <= STALE_MS then
      reports[#reports + 1] = name
      reports[#reports + 1] = report
    end
  end
end

if before then
  local passes, orders, units = string.match(before, '^%d+ (%d+) (%d+) (%d+) ')
  sums.passes = sums.passes + math.max(0, tonumber(ARGV[3]) - tonumber(passes))
  sums.orders = sums.orders + math.max(0, tonumber(ARGV[4]) - tonumber(orders))
  sums.units = sums.units + math.max(0, tonumber(ARGV[5]) - tonumber(units))
end
redis.call('HSET', KEYS[1], ARGV[2],
  whole(now) .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5] .. ' ' .. ARGV[6],
  'passes', whole(sums.passes), 'orders', whole(sums.orders), 'units', whole(sums.units))
redis.call('EXPIRE', KEYS[1], KEEP_S)
reports[#reports + 1] = ARGV[2]
reports[#reports + 1] = ARGV[6]
return { 'measured', now, sums.passes, sums.orders, sums.units, reports }
