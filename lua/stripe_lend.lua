#!lua
-- stripe_lend: take units off this stripe's shelf for another stripe of the sale.
--
-- Why: the first of three steps (lend, receive, settle). The units are in the record of the transfer
-- until the last one, so a crash between any two is finished by whoever looks next. A stripe has one
-- open transfer to each other at a time: that bounds what must be remembered on both sides.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
--   4 back     zset    serials of pooled offers that came back
--   5 units    hash    chunk → unit entries
--   6 due      zset    order → end of its hold
--   7 facts    stream  what became true
--   8 lending  hash    open transfers, latest transfers, units moving
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 receiver integer 0..15, the other stripe
--   3 offer    integer offer number
--   4 least    integer 0..1000000, so many are lent whatever is left here
--   5 most     integer 1..1000000, so many at most
--   6 keep     integer 0..1000000, what is lent beyond the least leaves so many here
--   7 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   open transfer                       an earlier one to this stripe; finish it first
--   nothing                             there is no unit to lend
--   lent transfer
-- COST O(units that came back, at most 500; ranges, at most 16)
--@include stock
--@include lending
local RANGES_MAX, BACKS_MAX = 16, 500
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local receiver, number = ARGV[2], tonumber(ARGV[3])
local least, most, keep = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local field = 'out:' .. receiver
local open = redis.call('HGET', LENDING, field)
if open then return answer(slot, { 'open', open }) end
local offer = offer_of(number)
if not offer or offer[KIND] ~= 'p' or slot.state == 'closed' then
  return answer(slot, { 'nothing' })
end
-- Two who even out the same stripes at once do not empty the fuller one: the second finds less.
local wanted = math.min(most, math.max(least, offer[AVAILABLE] - keep), offer[AVAILABLE])
if wanted <= 0 then return answer(slot, { 'nothing' }) end
keep_high(number, offer)
local left, ranges, backs, more = wanted, {}, {}, offer[MORE]

-- From the far end: what is sold next stays where it is.
while left > 0 and #ranges < 2 * RANGES_MAX do
  local last = #more > 0
  local from = last and more[#more - 1] or offer[NEXT]
  local to = last and more[#more] or offer[END]
  if from == to and not last then break end
  local first = math.max(from, to - left)
  if first < to then ranges[#ranges + 1], ranges[#ranges + 2] = first, to - first end
  left = left - (to - first)
  if not last then
    offer[END] = first
  elseif first == from then
    more[#more], more[#more - 1] = nil, nil
  else
    more[#more] = first
  end
end
if left > 0 and offer[BACKS] > 0 then
  local count = math.min(left, BACKS_MAX)
  for _, text in ipairs(redis.call('ZRANGEBYSCORE', BACK, number, number, 'LIMIT', 0, count)) do
    local serial = tonumber(text)
    local state, generation = unit_get(serial)
    assert(state == '-', 'unit ' .. serial .. ' is ' .. state .. ' and was to be lent')
    -- The generation goes along: codes that were shown before stay dead wherever it is sold.
    backs[#backs + 1] = { serial, generation }
    back_gone[#back_gone + 1] = text
    left = left - 1
  end
  offer[BACKS] = offer[BACKS] - #backs
end

local lent = wanted - left
assert(lent > 0, 'the counter says units are free and none was found')
offer[AVAILABLE] = offer[AVAILABLE] - lent
add_fact(slot, 'lent', number, tonumber(receiver), slot.epoch, slot.fact + 1, ranges, backs)
local transfer = cmsgpack.pack({ slot.epoch, slot.fact, number, ranges, backs })
redis.call('HSET', LENDING, field, transfer)
redis.call('HINCRBY', LENDING, 'm:' .. number, lent)
write_stock(slot)
return answer(slot, { 'lent', transfer })
