-- The slot record of a sale, the facts of this call, and bounded writes of many fields.
--@include clock
local WRITE_PAIRS = 500   -- values in one call stay far below Lua's limit of 8,000

-- What a whole call answers when its slot may not be written; nil when it may. A server that is not
-- the one that the record names may have gone back in time: it was started again, failed over,
-- restored or moved. A record that names nobody was fenced on purpose.
local function refused_by_fence(epoch, fact, server)
  -- A store that forgot the sale sells nothing of it.
  if not epoch then return { { 'no_slot' }, 0, 0, '' } end
  if server ~= ARGV[#ARGV] then return { 'fenced', tonumber(epoch), tonumber(fact), server or '' } end
end

-- The slot record, or nil and what the whole call answers instead.
local function read_slot(key, given_now)
  local got = redis.call('HMGET', key, 'state', 'epoch', 'fact', 'limit', 'hold_ms', 'carry',
    'drops', 'closes_at_ms', 'server')
  local instead = refused_by_fence(got[2], got[3], got[9])
  if instead then return nil, instead end
  local slot = { state = got[1], epoch = tonumber(got[2]), epoch_text = got[2],
    fact = tonumber(got[3]), limit = tonumber(got[4]), hold_ms = tonumber(got[5]), carry = got[6] == '1',
    drops = cmsgpack.unpack(got[7]), closes_at_ms = tonumber(got[8]),
    now = now_ms(given_now), drop = 0, facts = {}, blob = '' }
  for number, opens_at_ms in ipairs(slot.drops) do
    if opens_at_ms <= slot.now then slot.drop = number end
  end
  return slot
end

local function whole(number)
  return string.format('%.0f', number)
end

-- Facts are kept as msgpack, so that a script may also join one from pieces that came packed.
local function next_fact(slot)
  slot.fact = slot.fact + 1
  return slot.fact
end

local function add_fact(slot, kind, ...)
  slot.facts[#slot.facts + 1] = cmsgpack.pack({ kind, next_fact(slot), slot.now, ... })
end

local function array_head(count)
  if count < 16 then return string.char(144 + count) end
  return struct.pack('>BI2', 220, count)
end

-- One stream entry for the whole call; its id is the number of its last fact.
local function write_facts(slot, sale_key, facts_key)
  if #slot.facts == 0 then return end
  slot.facts[1] = array_head(#slot.facts) .. slot.facts[1]   -- the whole is long, and joined once
  slot.blob = table.concat(slot.facts)
  local fact = whole(slot.fact)
  redis.call('HSET', sale_key, 'fact', fact)
  redis.call('XADD', facts_key, slot.epoch_text .. '-' .. fact, 'f', slot.blob)
end

-- What every guarded script ends with: the verbs' replies, how far the slot is, and the very bytes
-- of this call's facts ('' when there are none), which the caller remembers until they are settled.
local function answer(slot, replies)
  return { replies, slot.epoch, slot.fact, slot.blob }
end

local function write_pairs(command, key, pairs_flat)
  for first = 1, #pairs_flat, 2 * WRITE_PAIRS do
    local last = math.min(first + 2 * WRITE_PAIRS - 1, #pairs_flat)
    redis.call(command, key, unpack(pairs_flat, first, last))
  end
end
