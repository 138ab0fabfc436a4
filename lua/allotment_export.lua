#!lua
-- allotment_export: note that an allotment's codes are about to be shown to its partner.
--
-- Why: written before the first code leaves, so that a unit which comes back later is known to have
-- a code that somebody may hold. It is a fact, so that a slot built anew knows it too.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 facts    stream  what became true
--   3 allotments hash  allotment number → record
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 number   integer the allotment's number
--   3 partner  string  who asks
--   4 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   not_found
--   not_yours
--   exported allotment_record
-- COST O(1)
--@include slot
local slot, instead = read_slot(KEYS[1], ARGV[1])
if not slot then return instead end
local packed = redis.call('HGET', KEYS[3], ARGV[2])
if not packed then return answer(slot, { 'not_found' }) end
local allotment = cmsgpack.unpack(packed)
if allotment[2] ~= ARGV[3] then return answer(slot, { 'not_yours' }) end
if allotment[5] == 0 then
  allotment[5] = 1
  packed = cmsgpack.pack(allotment)
  redis.call('HSET', KEYS[3], ARGV[2], packed)
  add_fact(slot, 'exported', allotment[1], allotment[2])
  write_facts(slot, KEYS[1], KEYS[2])
end
return answer(slot, { 'exported', packed })
