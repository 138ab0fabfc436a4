#!lua
-- allotment_recall: units leave an allotment, given back by the partner or recalled.
--
-- Why: a unit whose code was exported comes back under a new generation, so the exported code is
-- dead; with an outside code, which cannot change, it is voided. A call that took nothing out is
-- not remembered: it is decided anew.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
--   4 back     zset    serials of pooled offers that came back
--   5 units    hash    chunk → unit entries
--   6 due      zset    order → end of its hold
--   7 facts    stream  what became true
--   8 allotments hash  allotment number → record
--   9 done     hash    what lots, reports and returns did
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 number   integer the allotment's number
--   3 partner  string  '' for the operator
--   4 key      string  the return's own key, with its partner
--   5 by       string  who did it
--   6 serials  msgpack 1..1000 of them, ascending
--   7 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence; one letter of statuses a unit: b back, v voided,
--     n not an unsold unit of this allotment
--   no_slot                             this store does not know the sale
--   not_found
--   not_yours
--   replayed statuses
--   key_reused                          same key, other units
--   recalled statuses
-- COST O(units)
--@include giving
--@include allotments
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local number, partner, key = tonumber(ARGV[2]), ARGV[3], 'recall:' .. ARGV[4]
local serials = cmsgpack.unpack(ARGV[6])
local allotment = allotment_of(number)
if not allotment then return answer(slot, { 'not_found' }) end
if partner ~= '' and allotment[A_PARTNER] ~= partner then return answer(slot, { 'not_yours' }) end
local asked = redis.sha1hex(number .. ' ' .. table.concat(serials, ' '))
local known = redis.call('HGET', DONE, key)
if known then
  known = cmsgpack.unpack(known)
  return answer(slot, known[1] == asked and { 'replayed', known[2] } or { 'key_reused' })
end
local owner, offer_number = owner_of_allotment(number), allotment[A_OFFER]
local offer, exported = offer_of(offer_number), allotment[A_EXPORTED] == 1
local statuses, back, voided = {}, {}, {}
for i, serial in ipairs(serials) do
  local state, generation, owns = unit_get(serial)
  if owns ~= owner or state ~= 'a' then
    statuses[i] = 'n'
  elseif exported and (offer[CODES] == 'o' or generation == GENERATION_MAX) then
    unit_set(serial, 'v', generation, owner)
    voided[#voided + 1] = serial
    statuses[i] = 'v'
  else
    unit_set(serial, '-', exported and generation + 1 or generation, NOBODY)
    back[#back + 1] = serial
    statuses[i] = 'b'
  end
end
give(offer_number, offer, back, ALLOTTED)
offer[ALLOTTED], offer[VOIDED] = offer[ALLOTTED] - #voided, offer[VOIDED] + #voided
allotment[A_BACK], allotment[A_VOIDED] = allotment[A_BACK] + #back, allotment[A_VOIDED] + #voided
statuses = table.concat(statuses)
if #back + #voided > 0 then
  add_fact(slot, 'recalled', allotment[A_ID], allotment[A_PARTNER], offer_number, gather(back),
    gather(voided), ARGV[5], key, asked, statuses)
  redis.call('HSET', ALLOTMENTS, number, cmsgpack.pack(allotment))
  redis.call('HSET', DONE, key, cmsgpack.pack({ asked, statuses }))
end
write_stock(slot)
return answer(slot, { 'recalled', statuses })
