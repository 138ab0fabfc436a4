#!lua
-- room_draw_reveal: write down the seed of a line, once; turns are called from then on.
--
-- Why: no shopper is written to: the seed makes everybody's turn. It is taken only for the digest
-- that is fixed, so a gateway that slept, or knows another list, cannot begin another order.
--
-- KEYS
--   1 room     hash    rules and state
--   2 line     hash    the line of the drop and epoch named in ARGV
--   3 changes  stream  what operators changed
-- ARGV
--   1 now_ms      integer 0..9007199254740991; 0 is the store's own clock
--   2 drop        integer 1..64
--   3 epoch       integer 1..65535
--   4 digest      string  the fixed one, which the seed was made from
--   5 secret      string  64 hexadecimal digits
--   6 seed        string  64 hexadecimal digits
--   7 outcome     word    none, used or unanswered: the beacon
--   8 round       integer 0..9007199254740991; the beacon's, 0 without one
--   9 randomness  string  hexadecimal, empty where no beacon was used
--   10 signature   string  hexadecimal, empty where no beacon was used
--   11 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   past                                another line is on
--   unfixed                             its list is not fixed, or has another digest
--   again seed                          it was revealed before
--   revealed
-- COST O(1)
--@include room
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
if not is_current(room, ARGV[2], ARGV[3]) then return { 'past' } end
local known = redis.call('HMGET', KEYS[2], 'digest', 'seed')
if known[1] ~= ARGV[4] then return { 'unfixed' } end
if known[2] then return { 'again', known[2] } end
redis.call('HSET', KEYS[2], 'secret', ARGV[5], 'seed', ARGV[6], 'outcome', ARGV[7],
  'round', ARGV[8], 'randomness', ARGV[9], 'signature', ARGV[10], 'revealed_ms', whole(now))
write_change(KEYS[3], now, 'seed', 'draw', ARGV[2] .. '.' .. ARGV[3] .. ' ' .. ARGV[6] .. ' '
  .. ARGV[7])
return { 'revealed' }
