-- How fast each lane moves: the speed of its serving number, in thousandths of a turn a second, as
-- two means that forget over 10 s and over 60 s. It contains those who do not come.
--@include room
local FORGET_MS = { v10 = 10000, v60 = 60000 }
local SPEED_GAP_MS = 10000   -- a longer time between two pumpings counts as this

-- Take one pumping in: `elapsed` ms since the last one, and lane.called turns in it. A lane that is
-- empty after it moved as fast as people came, which says nothing of how fast it can.
local function note_speeds(room, key, lanes, elapsed)
  if elapsed <= 0 then return end
  local dt = math.min(elapsed, SPEED_GAP_MS)
  local weights = 0
  for _, lane in ipairs(lanes) do weights = weights + lane.weight end
  for _, lane in ipairs(lanes) do
    if lane.waiting > 0 then
      for name, span in pairs(FORGET_MS) do
        local field = name .. ':' .. lane.index
        local before = tonumber(redis.call('HGET', key, field)
          or room.rate_milli * lane.weight / weights)
        local now = lane.called * TOKEN / dt
        redis.call('HSET', key, field,
          whole(before + (now - before) * (1 - math.exp(-dt / span))))
      end
    end
  end
end
