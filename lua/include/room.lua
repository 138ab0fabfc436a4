-- What every script of the room must see alike: which drop and epoch are on, in what state, at what
-- rate, and how the bucket of tokens fills. Tokens are counted in millionths, so that a rate in
-- thousandths a second and a clock in milliseconds meet in whole numbers.
--@include clock
local TOKEN = 1000000
local KEEP_S = 90 * 24 * 3600    -- garbage only: longer than any place is accepted
local STEP_BACK_MS = 5000        -- a clock that steps back further than this is taken as set anew
local LATE_SHARE = 5             -- late turns get one token of so many
local LANES = 8

local function whole(number)
  return string.format('%.0f', number)
end

-- The room, or nil and what the whole call answers instead. A server that is not the one that the
-- record names may have gone back in time (see include/slot); a room that was given back rests until
-- every gateway has said what it saw. An operator's change need not wait for that.
local function read_room(key, now, changes)
  local got = redis.call('HMGET', key, 'openings', 'lobby_ms', 'pass_ms', 'active_max',
    'rate_milli', 'burst', 'state', 'level', 'filled_ms', 'epoch', 'lanes', 'grace_ms', 'message',
    'ceiling_milli', 'ceiling_reason', 'server', 'opens_again_ms',
    'late_level', 'late_ms', 'edits')
  if not got[1] then return nil, { 'missing' } end
  if got[16] ~= ARGV[#ARGV] or (not changes and now < tonumber(got[17] or 0)) then
    return nil, { 'fenced' }
  end
  local room = { now = now, openings = got[1], lobby_ms = tonumber(got[2]),
    pass_ms = tonumber(got[3]), active_max = tonumber(got[4]), set_milli = tonumber(got[5]),
    burst = tonumber(got[6]), state = got[7], level = tonumber(got[8]),
    filled_ms = tonumber(got[9]), epoch = tonumber(got[10]), lanes = got[11],
    grace_ms = tonumber(got[12]), message = got[13], ceiling_milli = tonumber(got[14]),
    ceiling_reason = got[15], late_level = tonumber(got[18]), late_ms = tonumber(got[19]),
    edits = tonumber(got[20] or 0), drop = 0, opens_ms = 0, next_ms = 0 }
  -- What the operator set, unless a measurement allows less (-1: none does).
  room.rate_milli = room.set_milli
  room.is_capped = room.ceiling_milli >= 0 and room.ceiling_milli < room.set_milli
  if room.is_capped then room.rate_milli = room.ceiling_milli end
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

-- Whether the keys that a gateway gave are those of the line that is on.
local function is_current(room, drop, epoch)
  return room.drop == tonumber(drop) and room.epoch == tonumber(epoch)
end

-- The lanes in their order, each with its name and weight; lane 0 comes first.
local function lanes_of(room)
  local lanes = {}
  for name, weight in string.gmatch(room.lanes, '(%S+):(%d+)') do
    lanes[#lanes + 1] = { name = name, weight = tonumber(weight) }
  end
  return lanes
end

-- lobby | open | paused | draining | sold_out | closed: what a shopper is told, and what a claim
-- obeys. stock_left is false while nobody has said; when nothing is left but something held may
-- return, the room stays open and stands still. undrawn: some came before the opening (`lobby` of
-- their line), and the seed of their draw is not there yet.
local function state_of(room, stock_left, may_return, undrawn)
  if room.state == 'closed' or room.state == 'draining' then return room.state end
  if room.drop == 0 or room.now < room.opens_ms or undrawn then return 'lobby' end
  if room.state == 'paused' then return 'paused' end
  if stock_left == 0 and not (may_return > 0) then return 'sold_out' end
  return 'open'
end

-- Who is inside: `active` passes are in force, and the holders of `deciding` of them may still be about
-- to buy, for none of those is older than deciding_ms (-1: any). And how many more may go in before
-- a bound is reached, and which: the operator's, of passes in force, or the stock's, of those who are
-- deciding (inside_max, as the pump was told both; -1 is not known). Many look, find nothing that
-- they want, and go away with a pass: the last units must not wait for those to run out.
local function inside_of(room, key, inside_max, deciding_ms)
  local inside = { active = redis.call('ZCOUNT', key, '(' .. whole(room.now), '+inf'),
    free = math.huge }
  inside.deciding = inside.active
  inside_max, deciding_ms = tonumber(inside_max or -1), tonumber(deciding_ms or -1)
  if deciding_ms >= 0 and deciding_ms < room.pass_ms then
    local ends_ms = room.now + room.pass_ms - deciding_ms
    inside.deciding = redis.call('ZCOUNT', key, '(' .. whole(ends_ms), '+inf')
  end
  if room.active_max > 0 then
    inside.free, inside.bound_by = room.active_max - inside.active, 'active'
  end
  if inside_max >= 0 and inside_max - inside.deciding < inside.free then
    inside.free, inside.bound_by = inside_max - inside.deciding, 'stock'
  end
  return inside
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

-- The bucket of the late ones: a share of the rate, and of the burst, one at least.
local function fill_late(room)
  local full = math.max(TOKEN, math.floor(room.burst * TOKEN / LATE_SHARE))
  local elapsed = math.max(0, room.now - (room.late_ms or room.now))
  return math.min(full, (room.late_level or full) + elapsed * room.rate_milli / LATE_SHARE)
end

-- A line's hash as a table.
local function read_line(key)
  local line, flat = {}, redis.call('HGETALL', key)
  for i = 1, #flat, 2 do line[flat[i]] = flat[i + 1] end
  return line
end

-- One entry of the room's journal; `revision` tells which copy of the room is the newest.
local function write_change(key, room_now, what, actor, detail)
  redis.call('HINCRBY', KEYS[1], 'revision', 1)
  redis.call('XADD', key, 'MAXLEN', '1000', '*', 'at_ms', whole(room_now), 'what', what,
    'actor', actor, 'detail', detail)
end

-- The same of what an operator did. `edits` counts these alone, and is the revision that operators
-- name: a step of the draw is no change that somebody could overwrite unseen. Returns it.
local function write_edit(key, room_now, what, actor, detail)
  write_change(key, room_now, what, actor, detail)
  return redis.call('HINCRBY', KEYS[1], 'edits', 1)
end
