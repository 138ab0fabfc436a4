#!lua flags=no-writes
-- room_frame: the public state of a room, in one call.
--
-- Why: a gateway asks a few times a second and answers every poll from memory.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop named in ARGV
--   3 leases   zset  who is inside, scored by the end of the pass
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 drop     integer 0..64; the drop whose keys these are
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   moved drop                          another drop is the current one: ask with its keys
--   frame now_ms state serving tail rate_milli stock reason opens_ms lobby_ms next_ms
--     active active_max burst admitted
-- COST O(log leases)
--@include room
local LOW_UNITS = 20    -- so few are low even when nobody waits
local now = now_ms(ARGV[1])
local room = read_room(KEYS[1], now)
if not room then return { 'missing' } end
if room.drop ~= tonumber(ARGV[2]) then return { 'moved', room.drop } end

local line = redis.call('HMGET', KEYS[2], 'serving', 'tail', 'stock_left', 'may_return',
  'admitted')
local serving, tail = tonumber(line[1] or 0), tonumber(line[2] or 0)
local stock_left = line[3] and tonumber(line[3])
local active = redis.call('ZCOUNT', KEYS[3], '(' .. whole(now), '+inf')
local state = state_of(room, stock_left, tonumber(line[4] or 0))

local stock = 'plenty'
if not stock_left then
  stock = 'unknown'
elseif stock_left == 0 then
  stock = 'none'
elseif stock_left < math.max(LOW_UNITS, tail - serving + active) then
  stock = 'low'
end

local reason = 'operator'
if state == 'lobby' then
  reason = 'opening'
elseif (state == 'open' or state == 'sold_out') and stock_left == 0 then
  reason = 'stock'
elseif state == 'open' and room.active_max > 0 and active >= room.active_max then
  reason = 'active'
end
local opens_ms = room.drop > 0 and room.opens_ms or room.next_ms
return { 'frame', now, state, serving, tail, room.rate_milli, stock, reason, opens_ms,
  opens_ms - room.lobby_ms, room.next_ms, active, room.active_max, room.burst,
  tonumber(line[5] or 0) }
