#!lua flags=no-writes
-- room_look: all that a room would have to be given back, if this store forgot it.
--
-- Why: every gateway keeps a copy, a second old at most, and hands it in after a loss.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the drop and epoch named in ARGV
--   3 leases   zset  who is inside, scored by the end of the pass
-- ARGV
--   1 now_ms       integer 0..9007199254740991; 0 is the store's own clock
--   2 drop         integer 0..64; the drop whose keys these are
--   3 epoch        integer 0..65535; the epoch whose keys these are
--   4 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   moved drop epoch                    another line is on: ask with its keys
--   seen now_ms active room line        the two hashes as lists of fields and values
-- COST O(fields)
--@include room
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
if not is_current(room, ARGV[2], ARGV[3]) then return { 'moved', room.drop, room.epoch } end
return { 'seen', now, redis.call('ZCOUNT', KEYS[3], '(' .. whole(now), '+inf'),
  redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]) }
