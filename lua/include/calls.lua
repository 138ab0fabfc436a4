-- What became of the turns that were called: marks of the last minutes, one a second, each with how
-- far the lanes had been called; who stands at the door; and what share of the called comes at all.
-- Marks are scored by the clock of grace, which stands while nobody can go in; equal ones by time.
--@include room
local LATE_MS = 900000      -- a turn that was not claimed in its grace may be for so long
local MARK_MS = 1000        -- so far apart are two marks
local DOOR_MS = 2000        -- the door forgets whoever does not come back in about that time
local SEEN_MS = 8000        -- the share of those who come is taken over so long
local DELAY_MS = 3000       -- so long after its call a turn is claimed, more or less
local NEWEST = 16           -- so many marks reach back that far
local PRIOR = 5             -- so many turns' worth counts what was known before

-- How many were called, found no token and come back: each of them counts for as long as it was
-- told to stay away, so nobody is counted twice and whoever went home is forgotten.
local function at_door(line, now)
  local age_ms = math.max(0, now - tonumber(line.door_ms or now))
  return tonumber(line.door or 0) / 1000 * math.exp(-age_ms / DOOR_MS)
end

local function mark_of(text)
  local mark, lanes = {}, 0
  for number in string.gmatch(text or '', '%d+') do
    if not mark.at_ms then
      mark.at_ms = tonumber(number)
    elseif not mark.came then
      mark.came = tonumber(number)
    else
      mark[lanes], lanes = tonumber(number), lanes + 1
    end
  end
  mark.called = 0
  for lane = 0, lanes - 1 do mark.called = mark.called + mark[lane] end
  return mark
end

local function newest_marks(key)
  local marks = redis.call('ZREVRANGE', key, 0, NEWEST - 1)
  for i, text in ipairs(marks) do marks[i] = mark_of(text) end
  return marks
end

-- The newest mark of that time or before; without one nobody had been called.
local function mark_at(marks, at_ms)
  for _, mark in ipairs(marks) do
    if mark.at_ms <= at_ms then return mark end
  end
  return mark_of()
end

-- The same by the clock of grace.
local function mark_of_grace(key, grace)
  return mark_of(redis.call('ZREVRANGEBYSCORE', key, whole(grace), '-inf', 'LIMIT', 0, 1)[1])
end

-- Write a mark when something has moved since the last one, and forget what is past all windows.
local function write_mark(key, room, grace, came, lanes)
  local last = mark_of(redis.call('ZREVRANGE', key, 0, 0)[1])
  local numbers, called = { string.format('%016.0f', room.now), whole(came) }, 0
  for i, lane in ipairs(lanes) do
    numbers[i + 2], called = whole(lane.serving), called + lane.serving
  end
  if called == last.called and came == (last.came or 0) then return end
  if last.at_ms and math.abs(room.now - last.at_ms) < MARK_MS then return end
  redis.call('ZADD', key, whole(grace), table.concat(numbers, ' '))
  redis.call('EXPIRE', key, KEEP_S)
  local lapsed = grace - room.grace_ms - LATE_MS
  local kept = redis.call('ZREVRANGEBYSCORE', key, whole(lapsed), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if kept[2] then redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. kept[2]) end
end

-- In thousandths, what share of the called comes to claim, from those who were called a moment ago.
-- `came` counts whoever was let in on time or stands at the door.
local function share_that_comes(marks, now, came, known)
  local since_ms = now - SEEN_MS
  local came_then = mark_at(marks, since_ms).came or 0
  local called = mark_at(marks, now - DELAY_MS).called - mark_at(marks, since_ms - DELAY_MS).called
  if called <= 0 then return known end
  if came <= came_then then return 1000 end    -- where nobody comes at all, calling more is no help
  local share = (1000 * math.max(0, came - came_then) + PRIOR * known) / (called + PRIOR)
  return math.floor(math.max(1, math.min(1000, share)))
end
