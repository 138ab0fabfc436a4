#!lua
-- room_leave: take a place out of the line for good, unless its holder is inside.
--
-- Why: the number is marked, so its token is worth nothing any more; the join is kept as left, so
-- that a late copy of it gives that number again and not a new place. Once the holder was let in,
-- there is no way back: the pass works until it ends, whatever becomes of the place. So its lease
-- stays and counts as long, and whoever leaves and joins again meanwhile has that same turn.
--
-- KEYS
--   1 room     hash  rules and state
--   2 turns    hash  number → what became of its turn
--   3 joins    hash  the join bucket of the place's buyer
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 lane     integer 0..7
--   3 number   integer 1..1099511627775
--   4 field    string  the buyer's field in the join bucket
--   5 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   again                               it had left before
--   inside expires_ms                   its pass works until then; nothing changed
--   left
-- COST O(1)
--@include room
--@include joins
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
local turn = redis.call('HGET', KEYS[2], ARGV[3])
if turn == 'left' then return { 'again' } end
local expires_ms = turn and tonumber(string.match(turn, '^%d+ (%d+)$'))
if expires_ms and expires_ms > now then return { 'inside', expires_ms } end
local known, place = redis.call('HGET', KEYS[3], ARGV[4]), ARGV[3] * LANES + ARGV[2]
redis.call('HSET', KEYS[2], ARGV[3], 'left')
redis.call('EXPIRE', KEYS[2], KEEP_S)
if known then
  local _, mark, known_place = join_of(known)
  if known_place == place then
    redis.call('HSET', KEYS[3], ARGV[4], join_text(mark, ARGV[2] + LANES, tonumber(ARGV[3])))
  end
end
return { 'left' }
