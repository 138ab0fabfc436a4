#!lua
-- room_claim: let the holder of one called place in, at exactly the room's rate.
--
-- Why: turns are called softly, people are let in exactly. The bucket is taken from in the step
-- that writes the turn, so that no window of w seconds ever lets in more than rate * w + burst. A
-- place is let in once: its turn is remembered with the times of its pass, and a repeat makes the
-- same pass from them. A turn that was missed can be claimed until the next drop's lobby; a pass that
-- ran out was the turn, and does not come again. A number above the tail was given before the store
-- forgot it: the line reaches that far.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line of the place's drop and epoch
--   3 turns    hash  number → 'issued_ms expires_ms', or 'left'
--   4 leases   zset  who is inside, scored by the end of the pass
-- ARGV
--   1 now_ms    integer 0..9007199254740991; 0 is the store's own clock
--   2 drop      integer 1..64; the place's drop
--   3 epoch     integer 1..65535; the place's epoch
--   4 lane      integer 0..7
--   5 number    integer 1..1099511627775
--   6 turn      integer 0..1099511627775; where the draw put the number, 0 if that is not known
--   7 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             this store knows no such room
--   left                                its holder left the line
--   spent                               its pass has run out
--   again issued_ms expires_ms
--   reset                               an operator has begun a new epoch
--   over drop                           that drop's lobby has come, this place's drop is past
--   closed
--   wait state ahead wait_ms            lobby, paused, draining, sold_out or all_held
--   turn ahead wait_ms                  not called yet
--   full                                as many are inside as may be
--   pace wait_ms behind_ms              the next token, and how long all who were called take
--   admitted issued_ms expires_ms
-- COST O(log leases)
--@include room
local now = now_ms(ARGV[1])
local drop, epoch, lane = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local number, turn = tonumber(ARGV[5]), tonumber(ARGV[6])
local room, instead = read_room(KEYS[1], now)
if not room then return instead end
local known = redis.call('HGET', KEYS[3], ARGV[5])
if known == 'left' then return { 'left' } end
if known then
  local issued, expires = string.match(known, '^(%d+) (%d+)$')
  if tonumber(expires) <= now then return { 'spent' } end
  return { 'again', tonumber(issued), tonumber(expires) }
end
if room.epoch < epoch then return { 'missing' } end
if room.epoch > epoch then return { 'reset' } end
if room.drop > drop then return { 'over', room.drop } end
if room.state == 'closed' then return { 'closed' } end
local line = redis.call('HMGET', KEYS[2], 'serving:' .. lane, 'admitted:' .. lane, 'stock_left',
  'may_return', 'drawn:' .. lane, 'inside_max', 'lobby', 'seed',
  'tail:' .. lane)
local stock_left = line[3] and tonumber(line[3])
local serving, admitted = tonumber(line[1] or 0), tonumber(line[2] or 0)
if number > tonumber(line[9] or 0) then redis.call('HSET', KEYS[2], 'tail:' .. lane, ARGV[5]) end
-- Who joined after the draw comes in the order of joining.
if number > tonumber(line[5] or 0) then turn = number end
local ahead = turn == 0 and number or math.max(0, turn - serving)

-- How long so many turns take; at a rate of 0 as if it were 1, for claims to be spread by.
local function turns_ms(turns)
  local rate_milli = room.rate_milli > 0 and room.rate_milli or 1000
  return math.ceil(turns * TOKEN / rate_milli)
end

-- A place of a drop whose lobby has not come: the opening was put off while it waited.
local state = room.drop < drop and 'lobby'
  or state_of(room, stock_left, tonumber(line[4] or 0), line[7] and not line[8])
if state == 'open' and stock_left == 0 then state = 'all_held' end
if state == 'open' and turn == 0 then state = 'lobby' end    -- drawn, and the gateway is late
if state ~= 'open' then
  local opens_ms = room.drop < drop and room.next_ms or room.opens_ms
  return { 'wait', state, ahead, math.max(0, opens_ms - now) + turns_ms(ahead) }
end
if ahead > 0 then return { 'turn', ahead, turns_ms(ahead) } end
local active = redis.call('ZCOUNT', KEYS[4], '(' .. whole(now), '+inf')
local bound = inside_bound(room, line[6])
if bound and active >= bound then return { 'full' } end
local level, filled_ms = fill(room)
if level < TOKEN then
  return { 'pace', turns_ms((TOKEN - level) / TOKEN), turns_ms(math.max(0, serving - admitted)) }
end

-- A pass ends on a whole second, as a JWT must; the lease ends with it.
local expires_ms = math.floor((now + room.pass_ms) / 1000) * 1000
redis.call('HSET', KEYS[1], 'level', whole(level - TOKEN), 'filled_ms', whole(filled_ms))
redis.call('HINCRBY', KEYS[2], 'admitted:' .. lane, 1)
redis.call('HSET', KEYS[3], ARGV[5], whole(now) .. ' ' .. whole(expires_ms))
redis.call('EXPIRE', KEYS[3], KEEP_S)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', whole(now))
redis.call('ZADD', KEYS[4], whole(expires_ms),
  string.format('%s.%s.%s:%s', ARGV[2], ARGV[3], lane, ARGV[5]))
return { 'admitted', now, expires_ms }
