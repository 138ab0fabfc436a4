#!lua
-- unit_redeem: use the codes of units, each once.
--
-- Why: the code's own MAC was checked before; here is decided whether its unit is sold, is still of
-- the code's generation, belongs to the kiosk's venue and was not used. The kiosk's key makes a
-- repeat after a lost answer succeed instead of telling "already redeemed".
--
-- KEYS
--   1 sale        hash    the slot record
--   2 offers      hash    offer number → record
--   3 units       hash    chunk → unit entries
--   4 allotments  hash    allotment number → record
--   5 facts       stream  what became true
--   6+ redemptions+ hash  serial → packed [at_ms, venue, kiosk, key, owner]
-- ARGV
--   1 now_ms     integer 0..9007199254740991; 0 is the store's own clock
--   2 batch      msgpack 1..64 records: number of its redemptions in KEYS, the offer and the serial,
--     the code's generation (0..31, or -1 for an outside code, which has none), the kiosk's venue,
--     the kiosk, the redemption's own key
--   3 server     string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per record, in order of precedence; no_slot stands for the whole call
--   no_slot                             this store does not know the sale
--   replayed at_ms owner
--   unknown                             no such offer
--   wrong_venue venue
--   already_redeemed at_ms venue kiosk
--   void
--   not_sold                            the code is inert: nobody bought this unit
--   too_early from_ms
--   too_late until_ms
--   redeemed at_ms owner
-- COST O(records)
--@include slot
local SALE, OFFERS, UNITS, ALLOTMENTS, FACTS = unpack(KEYS, 1, 5)
--@include offers
--@include units
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local offers, counted = {}, {}   -- number → record, number → true where it changed
local used, taken = {}, {}       -- serial → when and where it was used, what is written of these

local function read_once(known, at, unpacked, key, field)
  if known[at] == nil then
    local packed = redis.call('HGET', key, field)
    known[at] = packed and unpacked(packed) or false
  end
  return known[at]
end

local function shown_owner(owner)
  if owner:sub(1, 10) ~= 'allotment:' then return owner end
  return cmsgpack.unpack(redis.call('HGET', ALLOTMENTS, tonumber(owner:sub(11))))[1]
end

local function decide(at, number, serial, asked_generation, venue, kiosk, key)
  local state, generation, owner = unit_get(serial)
  local earlier = read_once(used, serial, cmsgpack.unpack, KEYS[at], serial)
  local this_code = asked_generation == -1 or asked_generation == generation
  if earlier and this_code and earlier[2] == venue and earlier[3] == kiosk and earlier[4] == key then
    return { 'replayed', earlier[1], earlier[5] }
  end
  local offer = read_once(offers, number, offer_unpacked, OFFERS, number)
  if not offer then return { 'unknown' } end
  if offer[VENUE] ~= venue then return { 'wrong_venue', offer[VENUE] } end
  if earlier and this_code then
    return { 'already_redeemed', earlier[1], earlier[2], earlier[3] }
  end
  if not this_code or state == 'v' then return { 'void' } end
  if state ~= 's' then return { 'not_sold' } end
  if slot.now < offer[REDEEM_FROM] then return { 'too_early', offer[REDEEM_FROM] } end
  if slot.now >= offer[REDEEM_UNTIL] then return { 'too_late', offer[REDEEM_UNTIL] } end

  local shown = shown_owner(owner)
  unit_set(serial, 'r', generation, owner)
  offer[SOLD], offer[REDEEMED] = offer[SOLD] - 1, offer[REDEEMED] + 1
  counted[number] = true
  used[serial] = { slot.now, venue, kiosk, key, shown }
  taken[#taken + 1] = { KEYS[at], serial }
  add_fact(slot, 'redeemed', number, serial, venue, kiosk, shown, key)
  return { 'redeemed', slot.now, shown }
end

local replies = {}
for i, record in ipairs(cmsgpack.unpack(ARGV[2])) do replies[i] = decide(unpack(record)) end
for number in pairs(counted) do
  redis.call('HSET', OFFERS, number, offer_packed(offers[number]))
end
for _, one in ipairs(taken) do redis.call('HSET', one[1], one[2], cmsgpack.pack(used[one[2]])) end
write_units()
write_facts(slot, SALE, FACTS)
return answer(slot, replies)
