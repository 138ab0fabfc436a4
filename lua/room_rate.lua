#!lua
-- room_rate: change how fast a room lets people in.
--
-- Why: what was earned at the old rate is settled first, so a change neither gives nor takes
-- tokens; it holds from the next claim on.
--
-- KEYS
--   1 room     hash    rules and state
--   2 changes  stream  what operators changed
-- ARGV
--   1 now_ms      integer 0..9007199254740991; 0 is the store's own clock
--   2 rate_milli  integer 0..100000000; shoppers in a thousand seconds
--   3 burst       integer 0..1000000; 0 leaves it as it is
--   4 actor       string  who did it
--   5 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   same
--   changed
-- COST O(1)
--@include room
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now, true)
if not room then return instead end
local rate_milli, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
if burst == 0 then burst = room.burst end
if rate_milli == room.set_milli and burst == room.burst then return { 'same' } end
local level, filled_ms = fill(room)
redis.call('HSET', KEYS[1], 'rate_milli', whole(rate_milli), 'burst', whole(burst),
  'level', whole(math.min(level, burst * TOKEN)), 'filled_ms', whole(filled_ms))
write_change(KEYS[2], now, 'rate', ARGV[4], whole(rate_milli) .. ' ' .. whole(burst))
return { 'changed' }
