#!lua
-- room_reset: begin the line anew: all places are worth nothing, passes go on to work.
--
-- Why: keys of a line name its epoch, so one number changed is the whole reset, whatever the length
-- of the line. It names the epoch that it ends, so a repeat of it finds that one ended, and does not
-- throw away the line that has formed since.
--
-- KEYS
--   1 room     hash    rules and state
--   2 changes  stream  what operators changed
-- ARGV
--   1 now_ms    integer 0..9007199254740991; 0 is the store's own clock
--   2 epoch     integer 1..65535; the one to be ended
--   3 actor     string  who did it
--   4 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   same epoch                          the one that was named had ended; this one is on
--   reset epoch
-- COST O(1)
--@include room
local EPOCH_MAX = 65535
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now, true)
if not room then return instead end
if tonumber(ARGV[2]) ~= room.epoch then return { 'same', room.epoch } end
assert(room.epoch < EPOCH_MAX, 'a place has two bytes for its epoch')
local level, filled_ms = fill(room)
redis.call('HSET', KEYS[1], 'epoch', whole(room.epoch + 1), 'level', whole(level),
  'filled_ms', whole(filled_ms))
write_edit(KEYS[2], now, 'reset', ARGV[3], whole(room.epoch + 1))
return { 'reset', room.epoch + 1 }
