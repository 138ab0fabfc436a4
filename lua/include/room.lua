-- What every script of the room must see alike: which drop is on, in what state, and how the
-- bucket of tokens fills. Tokens are counted in millionths, so that a rate in thousandths a second
-- and a clock in milliseconds meet in whole numbers.
--@include clock
local TOKEN = 1000000
local KEEP_S = 90 * 24 * 3600    -- garbage only: longer than any place is accepted
local STEP_BACK_MS = 5000        -- a clock that steps back further than this is taken as set anew

local function whole(number)
  return string.format('%.0f', number)
end

local function read_room(key, now)
  local got = redis.call('HMGET', key, 'openings', 'lobby_ms', 'pass_ms', 'active_max',
    'rate_milli', 'burst', 'state', 'level', 'filled_ms')
  if not got[1] then return nil end
  local room = { now = now, openings = got[1], lobby_ms = tonumber(got[2]),
    pass_ms = tonumber(got[3]), active_max = tonumber(got[4]), rate_milli = tonumber(got[5]),
    burst = tonumber(got[6]), state = got[7], level = tonumber(got[8]),
    filled_ms = tonumber(got[9]), drop = 0, opens_ms = 0, next_ms = 0 }
  -- The current drop is the last one whose lobby has come; drops count from 1.
  local number = 0
  for text in string.gmatch(room.openings, '%d+') do
    number = number + 1
    local opening = tonumber(text)
    if opening - room.lobby_ms > now then
      room.next_ms = opening
      break
    end
    room.drop, room.opens_ms = number, opening
  end
  return room
end

-- lobby | open | paused | draining | sold_out | closed: what a shopper is told, and what a claim
-- obeys. stock_left is false while nobody has said; when nothing is left but something held may
-- return, the room stays open and stands still.
local function state_of(room, stock_left, may_return)
  if room.state == 'closed' or room.state == 'draining' then return room.state end
  if room.drop == 0 or room.now < room.opens_ms then return 'lobby' end
  if room.state == 'paused' then return 'paused' end
  if stock_left == 0 and not (may_return > 0) then return 'sold_out' end
  return 'open'
end

-- The bucket as it stands now. It fills only while the room's own state is open, so a pause banks
-- nothing; and never for the same millisecond twice, so a clock that goes back gives nothing.
local function fill(room)
  local full = room.burst * TOKEN
  local elapsed = room.now - room.filled_ms
  if elapsed <= 0 then return math.min(full, room.level), room.filled_ms end
  if room.state ~= 'open' then return math.min(full, room.level), room.now end
  return math.min(full, room.level + elapsed * room.rate_milli), room.now
end

-- One entry of the operators' journal.
local function write_change(key, room_now, what, actor, detail)
  redis.call('XADD', key, 'MAXLEN', '1000', '*', 'at_ms', whole(room_now), 'what', what,
    'actor', actor, 'detail', detail)
end
