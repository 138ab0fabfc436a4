-- How a join is remembered: mark of its join key, lane and number in nine bytes. The lane is LANES
-- more once its holder has left.
--@include room
local JOIN = '>I3BI5'

local function join_text(mark, lane, number)
  return struct.pack(JOIN, mark, lane, number)
end

-- Whether its holder has left, its mark, and its place as room_join answers it.
local function join_of(text)
  local mark, lane, number = struct.unpack(JOIN, text)
  return lane >= LANES, mark, number * LANES + lane % LANES
end
