-- The one reading of time in a script. 0 is production: the server's own clock, read once,
-- because TIME is not frozen inside a script on Valkey 9. Anything else is a test's clock.
local function now_ms(given)
  local at = tonumber(given)
  assert(at and at >= 0, 'now_ms must be a number that is not negative')
  if at > 0 then return at end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
