#!lua
-- allotment_export: note that an allotment's codes are about to be shown to its partner.
--
-- Why: written before the first code leaves, so that a unit which comes back later is known to have
-- a code that somebody may hold.
--
-- KEYS
--   1 allotments hash  allotment number → record
-- ARGV
--   1 number   integer the allotment's number
--   2 partner  string  who asks
-- REPLY one flat list, in order of precedence
--   not_found
--   not_yours
--   exported allotment_record
-- COST O(1)
local packed = redis.call('HGET', KEYS[1], ARGV[1])
if not packed then return { 'not_found' } end
local allotment = cmsgpack.unpack(packed)
if allotment[2] ~= ARGV[2] then return { 'not_yours' } end
if allotment[5] == 0 then
  allotment[5] = 1
  packed = cmsgpack.pack(allotment)
  redis.call('HSET', KEYS[1], ARGV[1], packed)
end
return { 'exported', packed }
