#!lua flags=no-writes
-- stripe_look: what one stripe has of some offers, and the transfers that it has open.
--
-- Why: before anyone hears "sold out" all stripes are looked at twice; `came` tells whether a unit
-- came on the shelf between the looks, however many left it.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 due      zset    order → end of its hold
--   4 lending  hash    open transfers, latest transfers, units moving
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 stripes  integer 2..16, how many the sale has
--   3 offers   msgpack 1..256 offer numbers
-- REPLY one flat list
--   no_slot                             this store does not know the sale
--   look now_ms first_due_ms open counts    open: for each stripe a transfer or ''; counts: for
--     each offer [available, held, came]
-- COST O(offers + stripes)
--@include clock
--@include offers
if redis.call('EXISTS', KEYS[1]) == 0 then return { 'no_slot' } end
local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
local names = {}
for stripe = 0, tonumber(ARGV[2]) - 1 do names[#names + 1] = 'out:' .. stripe end
local open = redis.call('HMGET', KEYS[4], unpack(names))
for i, transfer in ipairs(open) do open[i] = transfer or '' end
local counts = {}
for i, packed in ipairs(redis.call('HMGET', KEYS[2], unpack(cmsgpack.unpack(ARGV[3])))) do
  local offer = packed and offer_unpacked(packed)
  counts[i] = offer and { offer[AVAILABLE], offer[HELD], offer[CAME] } or { 0, 0, 0 }
end
return { 'look', now_ms(ARGV[1]), tonumber(first[2] or 0), open, counts }
