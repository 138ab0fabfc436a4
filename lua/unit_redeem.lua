#!lua
-- unit_redeem: use the code of one unit, once.
--
-- Why: the code's own MAC was checked before; here is decided whether its unit is sold, is still of
-- the code's generation, belongs to the kiosk's venue and was not used. The kiosk's key makes a
-- repeat after a lost answer succeed instead of telling "already redeemed".
--
-- KEYS
--   1 sale        hash    the slot record
--   2 offers      hash    offer number → record
--   3 units       hash    chunk → unit entries
--   4 redemptions hash    serial → packed [at_ms, venue, kiosk, key]
--   5 allotments  hash    allotment number → record
--   6 facts       stream  what became true
-- ARGV
--   1 now_ms     integer 0..9007199254740991; 0 is the store's own clock
--   2 offer      integer the offer that the serial belongs to
--   3 serial     integer 0..33554431
--   4 generation integer 0..31, or -1 for an outside code, which has none
--   5 venue      string  the kiosk's venue
--   6 kiosk      string  the kiosk
--   7 key        string  the redemption's own key
--   8 server     string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
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
-- COST O(1)
--@include slot
local SALE, OFFERS, UNITS, REDEMPTIONS, ALLOTMENTS, FACTS = unpack(KEYS, 1, 6)
local VENUE, REDEEM_FROM, REDEEM_UNTIL, SOLD, REDEEMED = 4, 7, 8, 18, 19
--@include units
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local number, serial, asked_generation = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local venue, kiosk, key = ARGV[5], ARGV[6], ARGV[7]
local state, generation, owner = unit_get(serial)
local packed = redis.call('HGET', OFFERS, number)
local earlier = redis.call('HGET', REDEMPTIONS, serial)
local this_code = asked_generation == -1 or asked_generation == generation
if earlier and this_code then
  earlier = cmsgpack.unpack(earlier)
  if earlier[2] == venue and earlier[3] == kiosk and earlier[4] == key then
    return answer(slot, { 'replayed', earlier[1], earlier[5] })
  end
end
if not packed then return answer(slot, { 'unknown' }) end
local offer = cmsgpack.unpack(packed)
if offer[VENUE] ~= venue then return answer(slot, { 'wrong_venue', offer[VENUE] }) end
if earlier and this_code then
  return answer(slot, { 'already_redeemed', earlier[1], earlier[2], earlier[3] })
end
if not this_code or state == 'v' then return answer(slot, { 'void' }) end
if state ~= 's' then return answer(slot, { 'not_sold' }) end
if slot.now < offer[REDEEM_FROM] then return answer(slot, { 'too_early', offer[REDEEM_FROM] }) end
if slot.now >= offer[REDEEM_UNTIL] then return answer(slot, { 'too_late', offer[REDEEM_UNTIL] }) end

local shown = owner
if owner:sub(1, 10) == 'allotment:' then
  local allotment = redis.call('HGET', ALLOTMENTS, tonumber(owner:sub(11)))
  shown = cmsgpack.unpack(allotment)[1]
end
unit_set(serial, 'r', generation, owner)
offer[SOLD], offer[REDEEMED] = offer[SOLD] - 1, offer[REDEEMED] + 1
add_fact(slot, 'redeemed', number, serial, venue, kiosk, shown, key)
redis.call('HSET', OFFERS, number, cmsgpack.pack(offer))
redis.call('HSET', REDEMPTIONS, serial, cmsgpack.pack({ slot.now, venue, kiosk, key, shown }))
write_units()
write_facts(slot, SALE, FACTS)
return answer(slot, { 'redeemed', slot.now, shown })
