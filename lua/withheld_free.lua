#!lua
-- withheld_free: put units on sale again that a rebuilt slot had kept back.
--
-- Why: only an operator knows whether a lost store has sold them. Bounded: a call frees so many ranges
-- of one offer and says whether some are left.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
--   4 back     zset    serials of pooled offers that came back
--   5 units    hash    chunk → unit entries
--   6 due      zset    order → end of its hold
--   7 facts    stream  what became true
--   8 withheld hash    offer number → ranges
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 offer    integer offer number
--   3 actor    string  who frees them
--   4 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   none                                nothing of this offer is withheld
--   more units                          a bounded part is free; call again for the rest
--   freed units
-- COST O(ranges freed; at most 1,000)
--@include giving
local RANGES_MAX, RANGE_UNITS = 1000, 64
local WITHHELD = KEYS[8]
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local number = tonumber(ARGV[2])
local packed = redis.call('HGET', WITHHELD, number)
if not packed then return answer(slot, { 'none' }) end
local ranges, offer, freed, units = cmsgpack.unpack(packed), offer_of(number), {}, 0

local function free(first, count)
  if offer[KIND] ~= 's' and count >= RANGE_UNITS then
    -- The range that was sold from comes next: its end is the highest unit so far.
    table.insert(offer[MORE], 1, offer[END])
    table.insert(offer[MORE], 1, offer[NEXT])
    offer[NEXT], offer[END] = first, first + count
    offer[AVAILABLE], offer[HELD] = offer[AVAILABLE] + count, offer[HELD] - count
    came(offer, count)
    return
  end
  local serials = {}
  for serial = first, first + count - 1 do serials[#serials + 1] = serial end
  give(number, offer, serials, HELD)
end

for _ = 1, math.min(#ranges / 2, RANGES_MAX) do
  local first, count = table.remove(ranges, 1), table.remove(ranges, 1)
  free(first, count)
  freed[#freed + 1], freed[#freed + 2] = first, count
  units = units + count
end
add_fact(slot, 'freed', number, freed, ARGV[3])
if #ranges > 0 then
  redis.call('HSET', WITHHELD, number, cmsgpack.pack(ranges))
else
  redis.call('HDEL', WITHHELD, number)
end
write_stock(slot)
return answer(slot, { #ranges > 0 and 'more' or 'freed', units })
