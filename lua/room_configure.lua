#!lua
-- room_configure: put a room's rules into the store, the first time and at every revision.
--
-- Why: a drop that has opened keeps its number and its time, because places and passes name it. What
-- an operator set by hand stays until the rules themselves ask for another: a corrected title must
-- not undo a throttle.
--
-- KEYS
--   1 room     hash    rules and state
--   2 changes  stream  what operators changed
-- ARGV
--   1 now_ms      integer 0..9007199254740991; 0 is the store's own clock
--   2 openings    string  the opening of each drop in milliseconds, rising, parted by spaces
--   3 lobby_ms    integer 0..604800000
--   4 pass_ms     integer 5000..3600000
--   5 active_max  integer 0..10000000; 0 is no limit
--   6 rate_milli  integer 0..100000000; shoppers in a thousand seconds
--   7 burst       integer 1..1000000
--   8 grace_ms    integer 1000..3600000; how long a called turn has full right
--   9 lanes       string  'name:weight' of each lane, parted by spaces
--   10 rest_ms    integer 0..60000; how long a room that its store forgot rests, 0 for a new one
--   11 actor      string  who did it
--   12 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   begun drop                          that drop has opened: it, or a lane, would change or vanish
--   same
--   configured
-- COST O(openings)
--@include room
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now, true)
local rules = table.concat(ARGV, ' ', 3, 9) .. ' ' .. ARGV[2]
if not room and instead[1] == 'fenced' then return instead end
if not room then
  redis.call('HSET', KEYS[1], 'openings', ARGV[2], 'lobby_ms', ARGV[3], 'pass_ms', ARGV[4],
    'active_max', ARGV[5], 'rate_milli', ARGV[6], 'burst', ARGV[7], 'rules', rules,
    'grace_ms', ARGV[8], 'lanes', ARGV[9], 'epoch', '1', 'message', '', 'ceiling_milli', '-1',
    'ceiling_reason', '', 'state', 'paused', 'server', ARGV[12], 'life', ARGV[12] .. ':' .. whole(now),
    'opens_again_ms', whole(now + ARGV[10]), 'filled_ms', whole(now + ARGV[10]),
    'level', ARGV[10] == '0' and whole(ARGV[7] * TOKEN) or '0')
  write_edit(KEYS[2], now, 'configure', ARGV[11], rules)
  return { 'configured' }
end

local openings = string.gmatch(ARGV[2], '%d+')
local number = 0
for text in string.gmatch(room.openings, '%d+') do
  number = number + 1
  local wanted = openings()
  local opened = tonumber(text) <= now
  if (opened and wanted ~= text) or (number <= room.drop and not wanted) then
    return { 'begun', number }
  end
end
-- Places name their lane by its number: lanes may come, and change their names and weights.
if room.drop > 0 and select(2, string.gsub(ARGV[9], ':', '')) < #lanes_of(room) then
  return { 'begun', room.drop }
end
local before = redis.call('HGET', KEYS[1], 'rules')
if before == rules then return { 'same' } end

local level, filled_ms = fill(room)
local filed_active, filed_rate, filed_burst, filed_grace =
  string.match(before, '^%d+ %d+ (%d+) (%d+) (%d+) (%d+)')
local function kept(filed, asked, set) return filed == asked and set or tonumber(asked) end
local rate_milli, burst = kept(filed_rate, ARGV[6], room.set_milli),
  kept(filed_burst, ARGV[7], room.burst)
redis.call('HSET', KEYS[1], 'openings', ARGV[2], 'lobby_ms', ARGV[3], 'pass_ms', ARGV[4],
  'active_max', whole(kept(filed_active, ARGV[5], room.active_max)), 'rate_milli',
  whole(rate_milli), 'burst', whole(burst), 'rules', rules,
  'grace_ms', whole(kept(filed_grace, ARGV[8], room.grace_ms)), 'lanes', ARGV[9], 'level', whole(math.min(level, burst * TOKEN)),
  'filled_ms', whole(filled_ms))
write_edit(KEYS[2], now, 'configure', ARGV[11], rules)
return { 'configured' }
