#!lua flags=no-writes
-- room_draw_look: all that is written of a line's draw.
--
-- Why: whichever gateway makes the next step of a draw goes by this; so does the fairness document.
--
-- KEYS
--   1 room  hash  rules and state
--   2 line  hash  the line of the drop and epoch named in ARGV
--   3+ lists+  string  the list of each lane, from lane 0 on
-- ARGV
--   1 now_ms  integer 0..9007199254740991; 0 is the store's own clock
--   2 drop    integer 1..64
--   3 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one list, in order of precedence
--   missing                             this store knows no such room, or no such drop of it
--   draw now_ms lobby_ms opens_ms drop epoch lanes registered line kept
--                                       drop, epoch: which are on; lanes: names and weights;
--                                       registered: of each lane; line: the hash, flat;
--                                       kept: how many leaves are there
-- COST O(fields of the line)
--@include draw
local now = now_ms(ARGV[1])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
local opens_ms = opening_of(room, tonumber(ARGV[2]))
if not opens_ms then return { 'missing' } end
local kept = {}
for lane = 1, #lanes_of(room) do kept[lane] = redis.call('STRLEN', KEYS[2 + lane]) / 16 end
return { 'draw', now, opens_ms - room.lobby_ms, opens_ms, room.drop, room.epoch, room.lanes,
  registered_of(room, KEYS[2]), redis.call('HGETALL', KEYS[2]), kept }
