#!lua
-- room_leave: take a place out of the line for good, and its holder out of the room.
--
-- Why: the number is marked, so its token is worth nothing any more; the join is kept as left, so
-- that a late copy of it gives that number again and not a new place. A pass that works cannot be
-- taken back here: where it buys it is spent first, and whoever did that says so. Until then
-- nothing changes: its lease counts, and whoever joins again meanwhile has that same turn.
--
-- KEYS
--   1 room     hash  rules and state
--   2 leases   zset  who is inside, scored by the end of the pass
--   3 turns    hash  number → what became of its turn
--   4 joins    hash  the join bucket of the place's buyer
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 lane     integer 0..7
--   3 number   integer 1..1099511627775
--   4 field    string  the buyer's field in the join bucket
--   5 lease    string  the place's member of the leases
--   6 is_spent  integer 1: its pass is surely worth nothing any more; else 0
--   7 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   again                               it had left before
--   inside issued_ms expires_ms         its pass works until then; nothing changed
--   left
-- COST O(log leases)
--@include room
--@include joins
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
local turn = redis.call('HGET', KEYS[3], ARGV[3])
if turn == 'left' then return { 'again' } end
local issued_ms, expires_ms = string.match(turn or '', '^(%d+) (%d+)$')
if expires_ms and tonumber(expires_ms) > now and ARGV[6] ~= '1' then
  return { 'inside', tonumber(issued_ms), tonumber(expires_ms) }
end
local known, place = redis.call('HGET', KEYS[4], ARGV[4]), ARGV[3] * LANES + ARGV[2]
redis.call('HSET', KEYS[3], ARGV[3], 'left')
redis.call('EXPIRE', KEYS[3], KEEP_S)
redis.call('ZREM', KEYS[2], ARGV[5])
if known then
  local _, mark, known_place = join_of(known)
  if known_place == place then
    redis.call('HSET', KEYS[4], ARGV[4], join_text(mark, ARGV[2] + LANES, tonumber(ARGV[3])))
  end
end
return { 'left' }
