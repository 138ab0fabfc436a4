#!lua
-- room_leave: take a place out of the line for good, and free its slot if it was inside.
--
-- Why: the number is marked, so its token is worth nothing any more; the join is kept as left, so
-- that a late copy of it gives that number again and not a new place.
--
-- KEYS
--   1 turns    hash  number → what became of its turn
--   2 joins    hash  the join bucket of the place's buyer
--   3 leases   zset  who is inside
-- ARGV
--   1 drop     integer 1..64; the place's drop
--   2 number   integer 1..1099511627775
--   3 field    string  the buyer's field in the join bucket
-- REPLY one flat list, in order of precedence
--   again                               it had left before
--   left
-- COST O(log leases)
--@include room
local MARKS = 1048576
if redis.call('HGET', KEYS[1], ARGV[2]) == 'left' then return { 'again' } end
local known = tonumber(redis.call('HGET', KEYS[2], ARGV[3]) or 0)
redis.call('HSET', KEYS[1], ARGV[2], 'left')
redis.call('EXPIRE', KEYS[1], KEEP_S)
if math.floor(known / MARKS) == tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], ARGV[3], whole(-known))
end
redis.call('ZREM', KEYS[3], ARGV[1] .. ':' .. ARGV[2])
return { 'left' }
