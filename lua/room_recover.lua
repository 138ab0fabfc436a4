#!lua
-- room_recover: give a room back what gateways saw of it, and let it go on.
--
-- Why: a record that names another server may have gone back in time. Each gateway hands in what it
-- saw, and the highest counts: in whatever order they come, and however often, the room ends the
-- same, so nobody has to be asked who else there is. Numbers that were given and that nobody
-- remembers are left out by a margin. The bucket begins empty and rests, so no window of time has
-- more than rate * w + burst; who was inside is inside again, as many as were seen.
--
-- KEYS
--   1 room     hash  rules and state
--   2 line     hash  the line that the caller saw
--   3 leases   zset  who is inside, scored by the end of the pass
--   4+ turns+  hash  the turns' bucket of each pass
-- ARGV
--   1 now_ms       integer 0..9007199254740991; 0 is the store's own clock
--   2 seen         msgpack [life, revision, passes in force, numbers given lately, fields and values
--     of the room, the same of the line, edits]; empty lists when the caller saw nothing
--   3 passes       msgpack 0..500 of [number, lease, issued_ms, expires_ms]
--   4 room_server  string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   missing                             neither this store nor the caller knows such a room
--   kept life                           nothing was lost since the caller saw it
--   recovering life opens_again_ms
--   open life
-- COST O(fields + passes log leases)
--@include room
local HOLD_MS = 2000     -- gateways hand in what they saw; an old server's last answers get through
local MARGIN = 64        -- numbers that a gateway gave, or edits that it told, which then died with the store
-- These are of one server's life, not of the room.
local VOLATILE = { level = 1, filled_ms = 1, pump = 1, pump_until_ms = 1, server = 1, life = 1,
  opens_again_ms = 1, was_active = 1, strangers = 1, late_level = 1, late_ms = 1 }
-- Of a draw each is written once; what is not named here the next pumping finds anew.
local DRAWN = { lobby = 1, commitment = 1, committed_ms = 1, beacon = 1, digest = 1, lists = 1,
  fixed_ms = 1, secret = 1, seed = 1, outcome = 1, round = 1, randomness = 1, signature = 1,
  revealed_ms = 1 }
local RISING = { tail = 1, serving = 1, admitted = 1, drawn = 1 }
local now, server = now_ms(ARGV[1]), ARGV[#ARGV]
local life, revision, active, lately, rules, line, edits = unpack(cmsgpack.unpack(ARGV[2]))
local passes = cmsgpack.unpack(ARGV[3])

local own = redis.call('HMGET', KEYS[1], 'openings', 'server', 'life', 'revision', 'was_active',
  'strangers', 'opens_again_ms', 'edits')
if not own[1] and #rules == 0 then return { 'missing' } end
local known, flat = {}, redis.call('HGETALL', KEYS[2])
for i = 1, #flat, 2 do known[flat[i]] = flat[i + 1] end

-- A line only rises: one that stands lower than it was seen in the same life has gone back.
local went_back = false
for i = 1, #line, 2 do
  if RISING[line[i]:match('^(%a+):%d$')] and tonumber(line[i + 1]) > tonumber(known[line[i]] or 0) then
    went_back = own[3] == life
  end
end
local begins = not own[1] or own[2] ~= server or went_back
if not begins and own[3] == life then return { 'kept', life } end

local opens_again_ms, was_active = tonumber(own[7] or 0), tonumber(own[5] or 0)
if begins then
  own[3] = server .. ':' .. whole(now)
  opens_again_ms = now + HOLD_MS
  was_active = redis.call('ZCOUNT', KEYS[3], '(' .. whole(now), '+inf')
  redis.call('HSET', KEYS[1], 'server', server, 'life', own[3], 'level', '0', 'filled_ms',
    whole(opens_again_ms), 'opens_again_ms', whole(opens_again_ms))
end
if not own[1] or revision > tonumber(own[4] or 0) then
  for i = 1, #rules, 2 do
    if not VOLATILE[rules[i]] then redis.call('HSET', KEYS[1], rules[i], rules[i + 1]) end
  end
end

-- No edit that was told and lost has its number again: who names it hears that the room has changed.
edits = math.max(#rules > 0 and edits + MARGIN or 0, tonumber(own[8] or 0) + (begins and MARGIN or 0))
redis.call('HSET', KEYS[1], 'edits', whole(edits))

local function raise(field, value)
  redis.call('HSET', KEYS[2], field, whole(math.max(value, tonumber(known[field] or 0))))
end

local tails = {}
for i = 1, #line, 2 do
  local name, lane = line[i]:match('^(%a+):(%d)$')
  if name == 'tail' then tails[tonumber(lane)] = tonumber(line[i + 1]) end
  if RISING[name] then raise(line[i], tonumber(line[i + 1])) end
  if DRAWN[line[i]] then redis.call('HSETNX', KEYS[2], line[i], line[i + 1]) end
end
-- Behind the last number that was seen a gap is left, which the pump passes over.
for lane = 0, LANES - 1 do
  local stood = tonumber(known[(begins and 'tail:' or 'seen:') .. lane] or 0)
  local seen = math.max(tails[lane] or 0, stood)
  if seen > 0 then
    local gap = seen + MARGIN + lately
    if not begins then gap = math.max(gap, tonumber(known['gap:' .. lane] or 0)) end
    redis.call('HSET', KEYS[2], 'seen:' .. lane, whole(seen), 'gap:' .. lane, whole(gap))
    raise('tail:' .. lane, gap)
  end
end

for i, one in ipairs(passes) do
  local turn = whole(one[3]) .. ' ' .. whole(one[4])
  if redis.call('HSETNX', KEYS[i + 3], whole(one[1]), turn) == 1 then
    redis.call('EXPIRE', KEYS[i + 3], KEEP_S)
    redis.call('ZADD', KEYS[3], 'GT', whole(one[4]), one[2])
  end
end

-- Nobody tells a gateway that a pass it gave has become an order. So of the passes in force as many
-- are taken for it as were seen at once, those that end last; who is missing is a stranger until
-- the longest pass has ended.
if now < opens_again_ms then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', whole(now))
  for i = 1, begins and 0 or tonumber(own[6] or 0) do redis.call('ZREM', KEYS[3], '?:' .. i) end
  was_active = math.max(was_active, active)
  local inside = redis.call('ZCARD', KEYS[3])
  if inside > was_active then
    redis.call('ZREMRANGEBYRANK', KEYS[3], 0, inside - was_active - 1)
  end
  local bound, pass_ms = unpack(redis.call('HMGET', KEYS[1], 'active_max', 'pass_ms'))
  local strangers = tonumber(bound) > 0 and math.max(0, was_active - inside) or 0
  for i = 1, strangers do redis.call('ZADD', KEYS[3], whole(now + pass_ms), '?:' .. i) end
  redis.call('HSET', KEYS[1], 'was_active', whole(was_active), 'strangers', whole(strangers))
  return { 'recovering', own[3], opens_again_ms }
end
return { 'open', own[3] }
