#!lua
-- allotment_make: set units of an offer aside for one partner.
--
-- Why: the partner takes their codes and sells them itself; until it reports a sale they are inert.
-- Seats are taken from the last rows forward, the longest runs first, so groups stay together on
-- both sides.
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
--   2 number   integer 1..99999999999999, the allotment's number
--   3 allotment string its id
--   4 partner  string  who asks
--   5 offer    integer offer number
--   6 quantity integer 1..10000
--   7 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   replayed units
--   key_reused                          same allotment, other content
--   closed
--   unknown_offer offer
--   too_few offer left
--   allotted units
-- COST O(quantity)
--@include taking
--@include allotments
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local number, id, partner = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local offer_number, quantity = tonumber(ARGV[5]), tonumber(ARGV[6])
assert(quantity >= 1 and quantity <= 10000, 'quantity is 1..10000')
local known = allotment_of(number)
if known then
  local same = known[A_ID] == id and known[A_PARTNER] == partner
    and known[A_OFFER] == offer_number and known[A_UNITS] == quantity
  return answer(slot, same and { 'replayed', quantity } or { 'key_reused' })
end
if slot.state == 'closed' then return answer(slot, { 'closed' }) end
local offer = offer_of(offer_number)
if not offer then return answer(slot, { 'unknown_offer', offer_number }) end
if offer[AVAILABLE] < quantity then
  return answer(slot, { 'too_few', offer_number, offer[AVAILABLE] })
end

local function seats_from_the_back()
  local text, serials = seats_of(offer_number):reverse(), {}
  local size, from = #text, 1
  while #serials < quantity do
    local first, last = text:find('1+', from)
    assert(first, 'the counter says seats are free and the map has none')
    last = math.min(last, first + quantity - #serials - 1)
    for at = first, last do serials[#serials + 1] = offer[BASE] + size - at end
    from = last + 1
  end
  mark(offer_number, offer, serials, '0')
  return serials
end

local serials = offer[KIND] == 's' and seats_from_the_back()
  or take_pooled(offer_number, offer, quantity)
local owner = owner_of_allotment(number)
for _, serial in ipairs(serials) do
  local state, generation = unit_get(serial)
  assert(state == '-', 'unit ' .. serial .. ' is ' .. state .. ' and was to be allotted')
  unit_set(serial, 'a', generation, owner)
end
offer[AVAILABLE], offer[ALLOTTED] = offer[AVAILABLE] - quantity, offer[ALLOTTED] + quantity
local ranges = gather(serials)
add_fact(slot, 'allotted', id, partner, offer_number, ranges, number)
redis.call('HSET', ALLOTMENTS, number,
  cmsgpack.pack({ id, partner, offer_number, ranges, 0, quantity, 0, 0, 0 }))
write_stock(slot)
return answer(slot, { 'allotted', quantity })
