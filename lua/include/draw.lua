-- What the scripts of a draw must see alike: which drop of the room it is, and how many were
-- registered for it.
--@include room

-- When a drop opens; nil: the room has no such drop.
local function opening_of(room, drop)
  local number = 0
  for text in string.gmatch(room.openings, '%d+') do
    number = number + 1
    if number == drop then return tonumber(text) end
  end
  return nil
end

-- How many of each lane are drawn: those who were in it at the opening. The first join after it, or
-- the fixing of the list, writes that down; until then it is the tail.
local function registered_of(room, key)
  local counts, kind = {}, redis.call('HEXISTS', key, 'drawn:0') == 1 and 'drawn:' or 'tail:'
  for lane = 0, #lanes_of(room) - 1 do
    counts[lane + 1] = tonumber(redis.call('HGET', key, kind .. lane) or 0)
  end
  return counts
end
