#!lua
-- room_set: change what an operator sets while a room runs: rate, burst, cap, grace and message.
--
-- Why: what was earned at the old rate is settled first, so a change neither gives nor takes
-- tokens; it holds from the next claim on. Two operators who look at one board do not undo each
-- other unseen: a change may name the revision that it was made from.
--
-- KEYS
--   1 room     hash    rules and state
--   2 changes  stream  what operators changed
-- ARGV
--   1 now_ms      integer 0..9007199254740991; 0 is the store's own clock
--   2 revision    integer -1..9007199254740991; the revision it was made from, -1 is any
--   3 rate_milli  integer -1..100000000; shoppers in a thousand seconds, -1 leaves it as it is
--   4 burst       integer 0..1000000; 0 leaves it as it is
--   5 active_max  integer -1..10000000; 0 is no bound, -1 leaves it as it is
--   6 grace_ms    integer 0..3600000; 0 leaves it as it is
--   7 message     string  '=' and the text for those who wait; '' leaves it as it is
--   8 actor       string  who did it
--   9 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   same revision
--   stale revision                      somebody has changed the room since
--   changed revision
-- COST O(1)
--@include room
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now, true)
if not room then return instead end
local kept = { rate_milli = '-1', burst = '0', active_max = '-1', grace_ms = '0', message = '' }
local order = { 'rate_milli', 'burst', 'active_max', 'grace_ms', 'message' }
local before = { rate_milli = room.set_milli, burst = room.burst, active_max = room.active_max,
  grace_ms = room.grace_ms, message = room.message }
local fields, told, beyond_rate = {}, {}, false
for i, name in ipairs(order) do
  local wanted = ARGV[i + 2]
  local is_asked = wanted ~= kept[name]
  if name == 'message' then wanted = wanted:sub(2) end
  if is_asked and wanted ~= tostring(before[name]) and tonumber(wanted) ~= before[name] then
    fields[#fields + 1] = name
    fields[#fields + 1] = wanted
    told[#told + 1] = name .. '=' .. wanted
    beyond_rate = beyond_rate or i > 2
  end
end
-- A repeat of a change that was made finds it made, whatever the revision is by now.
if #fields == 0 then return { 'same', room.edits } end
if ARGV[2] ~= '-1' and tonumber(ARGV[2]) ~= room.edits then
  return { 'stale', room.edits }
end
local level, filled_ms = fill(room)
local burst = ARGV[4] == '0' and room.burst or tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'level', whole(math.min(level, burst * TOKEN)),
  'filled_ms', whole(filled_ms), unpack(fields))
if beyond_rate then
  write_edit(KEYS[2], now, 'set', ARGV[8], table.concat(told, ' '))
else
  local rate_milli = ARGV[3] == '-1' and whole(room.set_milli) or ARGV[3]
  write_edit(KEYS[2], now, 'rate', ARGV[8], rate_milli .. ' ' .. whole(burst))
end
return { 'changed', room.edits + 1 }
