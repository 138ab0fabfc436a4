-- The lanes of a line as the pump sees them, and how the turns of one call are shared among them.
--@include room

-- Each lane with its weight, where it stands, and what it is due: what it got short of its share, as
-- smooth weighted round robin counts it. Also how many wait in all of them.
local function read_lanes(room, line)
  local lanes, waiting = lanes_of(room), 0
  for i, lane in ipairs(lanes) do
    local function count(name) return tonumber(line[name .. ':' .. (i - 1)] or 0) end
    lane.index, lane.serving, lane.due = i - 1, count('serving'), count('due')
    lane.late, lane.lapsed = count('late'), count('lapsed')
    -- After a loss numbers are left out (see room_recover); the draw has mixed them into the others.
    local seen, gap = count('seen'), count('gap')
    if lane.serving >= seen and lane.serving < gap and seen >= count('drawn') then
      lane.serving = gap
    end
    lane.waiting = count('tail') - lane.serving
    waiting = waiting + lane.waiting
  end
  return lanes, waiting
end

-- One turn to the lane that is due the most, in the smooth weighted round robin: over a whole round
-- of as many turns as the weights add up to, each lane gets its weight, well mixed.
local function call_one(busy, weights)
  local first = busy[1]
  for _, lane in ipairs(busy) do
    lane.due = lane.due + lane.weight
    if lane.due > first.due then first = lane end
  end
  first.due = first.due - weights
  first.serving, first.waiting = first.serving + 1, first.waiting - 1
end

-- Whole rounds at once, then turn by turn. A lane in which nobody waits leaves its share to the
-- others and saves none up.
local function share_turns(lanes, turns)
  for _, lane in ipairs(lanes) do lane.called = -lane.serving end
  while turns > 0 do
    local busy, weights, rounds = {}, 0, turns
    for _, lane in ipairs(lanes) do
      if lane.waiting > 0 then
        busy[#busy + 1], weights = lane, weights + lane.weight
        rounds = math.min(rounds, math.floor(lane.waiting / lane.weight))
      end
    end
    rounds = math.min(rounds, math.floor(turns / weights))
    if rounds == 0 then
      call_one(busy, weights)
      turns = turns - 1
    end
    for _, lane in ipairs(busy) do
      lane.serving = lane.serving + rounds * lane.weight
      lane.waiting = lane.waiting - rounds * lane.weight
    end
    turns = turns - rounds * weights
  end
  for _, lane in ipairs(lanes) do lane.called = lane.called + lane.serving end
end
