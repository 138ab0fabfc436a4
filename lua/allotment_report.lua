#!lua
-- allotment_report: a partner says which units of its allotment it has sold.
--
-- Why: the report wakes the units' codes. Each line has a status of its own, and the report's key
-- remembers them, so a report whose answer was lost may be sent again as it was. One that sold
-- nothing is not remembered: it is decided anew.
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
--   3 partner  string  who asks
--   4 key      string  the report's own key, with its partner
--   5 fingerprint string of the lines
--   6 lines    msgpack 1..1000 of [serial, amount_minor, reference]
--   7 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence; one letter of statuses a line: s sold now, d sold
--     before, n not a unit of this allotment (any more)
--   no_slot                             this store does not know the sale
--   not_found
--   not_yours
--   replayed statuses
--   key_reused                          same key, other lines
--   reported statuses
-- COST O(lines)
--@include stock
--@include allotments
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local number, partner, key = tonumber(ARGV[2]), ARGV[3], 'report:' .. ARGV[4]
local allotment = allotment_of(number)
if not allotment then return answer(slot, { 'not_found' }) end
if allotment[A_PARTNER] ~= partner then return answer(slot, { 'not_yours' }) end
local known = redis.call('HGET', DONE, key)
if known then
  known = cmsgpack.unpack(known)
  return answer(slot, known[1] == ARGV[5] and { 'replayed', known[2] } or { 'key_reused' })
end
local owner, offer = owner_of_allotment(number), offer_of(allotment[A_OFFER])
local statuses, sold = {}, {}
for i, line in ipairs(cmsgpack.unpack(ARGV[6])) do
  local state, generation, owns = unit_get(line[1])
  if owns ~= owner then
    statuses[i] = 'n'
  elseif state == 'a' then
    unit_set(line[1], 's', generation, owner)
    sold[#sold + 1] = line
    statuses[i] = 's'
  else
    statuses[i] = (state == 's' or state == 'r') and 'd' or 'n'
  end
end
statuses = table.concat(statuses)
offer[ALLOTTED], offer[SOLD] = offer[ALLOTTED] - #sold, offer[SOLD] + #sold
allotment[A_SOLD] = allotment[A_SOLD] + #sold
if #sold > 0 then
  add_fact(slot, 'reported', allotment[A_ID], partner, allotment[A_OFFER], sold, key, ARGV[5],
    statuses)
  redis.call('HSET', ALLOTMENTS, number, cmsgpack.pack(allotment))
  redis.call('HSET', DONE, key, cmsgpack.pack({ ARGV[5], statuses }))
end
write_stock(slot)
return answer(slot, { 'reported', statuses })
