#!lua flags=no-writes
-- room_frame: the public state of a room, in one call.
--
-- Why: a gateway asks a few times a second and answers every poll from memory.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop and epoch named in ARGV
--   3 leases   zset  who is inside, scored by the end of the pass
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 drop     integer 0..64; the drop whose keys these are
--   3 epoch    integer 0..65535; the epoch whose keys these are
--   4 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one list, in order of precedence
--   missing                             this store knows no such room
--   moved drop epoch                    another line is on: ask with its keys
--   frame now_ms state reason message rate_milli set_milli stock seed
--     opens_ms lobby_ms next_ms grace_ms active deciding active_max burst comes
--     revision likely possible lanes
--                                       lanes: of each name serving tail drawn admitted weight,
--                                       v10 and v60, which are -1 until measured, and late
-- COST O(log leases)
--@include room
local LOW_UNITS = 20    -- so few are low even when nobody waits
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
if not is_current(room, ARGV[2], ARGV[3]) then return { 'moved', room.drop, room.epoch } end

local line = read_line(KEYS[2])
local lanes, waiting = {}, 0
for i, lane in ipairs(lanes_of(room)) do
  local function count(name) return tonumber(line[name .. ':' .. (i - 1)] or 0) end
  lanes[i] = { lane.name, count('serving'), count('tail'), count('drawn'), count('admitted'),
    lane.weight, tonumber(line['v10:' .. (i - 1)] or -1), tonumber(line['v60:' .. (i - 1)] or -1),
    count('late') }
  waiting = waiting + count('tail') - count('serving')
end
local stock_left = line.stock_left and tonumber(line.stock_left)
local inside = inside_of(room, KEYS[3], line.inside_max, line.deciding_ms)
local state = state_of(room, stock_left, tonumber(line.may_return or 0),
  line.lobby and not line.seed)

local stock = 'plenty'
if not stock_left then
  stock = 'unknown'
elseif stock_left == 0 then
  stock = 'none'
elseif stock_left < math.max(LOW_UNITS, waiting + inside.active) then
  stock = 'low'
end

local reason = 'operator'
if state == 'lobby' then
  reason = room.drop > 0 and now >= room.opens_ms and 'draw' or 'opening'
elseif (state == 'open' or state == 'sold_out') and stock_left == 0 then
  reason = 'stock'
elseif state == 'open' and inside.free <= 0 then
  reason = inside.bound_by
elseif state == 'open' and room.is_capped then
  reason = room.ceiling_reason
end
local opens_ms = room.drop > 0 and room.opens_ms or room.next_ms
return { 'frame', now, state, reason, room.message, room.rate_milli, room.set_milli,
  stock, line.seed or '',
  opens_ms, opens_ms - room.lobby_ms, room.next_ms, room.grace_ms, inside.active, inside.deciding, room.active_max,
  room.burst, tonumber(line.comes or 1000), room.edits,
  tonumber(line.likely or -1), tonumber(line.possible or -1), lanes }
