#!lua
-- room_draw_fix: close the list of a line and write down its digest, once.
--
-- Why: Lua has no SHA-256, so a gateway computes the digest; it is taken only for exactly those who
-- are registered, and only when nobody can be any more. Two gateways that fix at once have the same
-- list. A beacon's round is counted from the time that is written here.
--
-- KEYS
--   1 room     hash    rules and state
--   2 line     hash    the line of the drop and epoch named in ARGV
--   3 changes  stream  what operators changed
-- ARGV
--   1 now_ms      integer 0..9007199254740991; 0 is the store's own clock
--   2 drop        integer 1..64
--   3 epoch       integer 1..65535
--   4 registered  string  how many of each lane the digest covers, parted by spaces
--   5 digest      string  64 hexadecimal digits
--   6 lists       string  of each lane 'digest:unknown leaves', parted by spaces
--   7 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room, or no such drop of it
--   past                                another line is on
--   early                               the drop has not opened
--   again digest                        it was fixed before
--   other                               it covers not those who are registered
--   fixed
-- COST O(lanes)
--@include draw
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
local opens_ms = opening_of(room, tonumber(ARGV[2]))
if not opens_ms then return { 'missing' } end
if not is_current(room, ARGV[2], ARGV[3]) then return { 'past' } end
if now < opens_ms then return { 'early' } end
local known = redis.call('HGET', KEYS[2], 'digest')
if known then return { 'again', known } end
local counts = registered_of(room, KEYS[2])
if table.concat(counts, ' ') ~= ARGV[4] then return { 'other' } end
for lane, count in ipairs(counts) do
  redis.call('HSET', KEYS[2], 'drawn:' .. (lane - 1), whole(count))
end
redis.call('HSET', KEYS[2], 'digest', ARGV[5], 'lists', ARGV[6], 'fixed_ms', whole(now))
write_change(KEYS[3], now, 'list', 'draw', ARGV[2] .. '.' .. ARGV[3] .. ' ' .. ARGV[4] .. ' '
  .. ARGV[5])
return { 'fixed' }
