#!lua
-- room_state: open, pause, drain or close a room.
--
-- Why: claims read the state in the same step that lets somebody in, so a change holds from the
-- next claim on. The bucket is settled first: it fills while the room is open and at no other time.
-- A change may name the revision that it was made from, as in room_set.
--
-- KEYS
--   1 room     hash    rules and state
--   2 changes  stream  what operators changed
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 state    word    open, paused, draining or closed
--   3 actor    string  who did it
--   4 revision integer -1..9007199254740991; the revision it was made from, -1 is any
--   5 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   same revision
--   stale revision                      somebody has changed the room since
--   changed revision
-- COST O(1)
--@include room
local known = { open = true, paused = true, draining = true, closed = true }
assert(known[ARGV[2]], 'state is open, paused, draining or closed')
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now, true)
if not room then return instead end
if room.state == ARGV[2] then return { 'same', room.edits } end
if ARGV[4] ~= '-1' and tonumber(ARGV[4]) ~= room.edits then return { 'stale', room.edits } end
local level, filled_ms = fill(room)
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'level', whole(level), 'filled_ms', whole(filled_ms))
return { 'changed', write_edit(KEYS[2], now, 'state', ARGV[3], ARGV[2]) }
