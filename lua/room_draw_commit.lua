#!lua
-- room_draw_commit: write down the commitment to the secret and the beacon of a line's draw.
--
-- Why: it binds the operator from the moment it is public. Until the lobby opens another beacon may
-- be named, which the journal tells; from then on the first commitment stays.
--
-- KEYS
--   1 room     hash    rules and state
--   2 line     hash    the line of the drop and epoch named in ARGV
--   3 changes  stream  what operators changed
-- ARGV
--   1 now_ms      integer 0..9007199254740991; 0 is the store's own clock
--   2 drop        integer 1..64
--   3 epoch       integer 1..65535
--   4 commitment  string  64 hexadecimal digits
--   5 beacon      string  the beacon's terms, empty for none
--   6 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room, or no such drop of it
--   past                                another epoch is on
--   again commitment                    this one is written, or one that must stay
--   committed
-- COST O(1)
--@include draw
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
local opens_ms = opening_of(room, tonumber(ARGV[2]))
if not opens_ms then return { 'missing' } end
if room.epoch ~= tonumber(ARGV[3]) then return { 'past' } end
local known = redis.call('HGET', KEYS[2], 'commitment')
if known and (known == ARGV[4] or opens_ms - room.lobby_ms <= now) then
  return { 'again', known }
end
redis.call('HSET', KEYS[2], 'commitment', ARGV[4], 'committed_ms', whole(now), 'beacon', ARGV[5])
write_change(KEYS[3], now, 'commitment', 'draw',
  ARGV[2] .. '.' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])
return { 'committed' }
