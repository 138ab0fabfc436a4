#!lua
-- order_refund: give money back for all or some units of an order.
--
-- Why: a unit whose code may have been seen is sold again only under a new generation, so the old
-- code is dead; a unit with an outside code cannot change its code and is voided; a redeemed unit
-- stays redeemed, and stays counted, when money goes back. The refund's key is kept in the order.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
--   4 back     zset    serials of pooled offers that came back
--   5 units    hash    chunk → unit entries
--   6 due      zset    order → end of its hold
--   7 facts    stream  what became true
--   8 bucket   hash    the buyer's orders, count and passes
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 order    string  order id
--   3 seller   string  who asks; '' for the operator
--   4 key      string  the refund's own key, 1..128 characters
--   5 serials  msgpack the units to refund, [] for all that are left
--   6 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   not_found
--   not_yours
--   replayed order_record marks
--   key_reused                          same key, other units
--   too_many_refunds
--   not_refundable state
--   unknown_unit serial                 not a unit of this order, refunded before, or named twice
--   refunded order_record marks
-- COST O(units of the order)
--@include giving
--@include order_changes
local REFUNDS_MAX = 32
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local id, seller, refund, wanted = ARGV[2], ARGV[3], ARGV[4], cmsgpack.unpack(ARGV[5])
local bucket = KEYS[8]
local order = order_of(bucket, id)
if not order then return answer(slot, { 'not_found' }) end
if seller ~= '' and order[SELLER] ~= seller then return answer(slot, { 'not_yours' }) end
table.sort(wanted)
local asked = table.concat(wanted, ' ')
for _, earlier in ipairs(order[REFUNDS]) do
  if earlier[1] == refund then
    if earlier[2] ~= asked then return answer(slot, { 'key_reused' }) end
    return answer(slot, { 'replayed', fields[bucket][order[FIELD]], unit_marks(id, order[LINES]) })
  end
end
if #order[REFUNDS] >= REFUNDS_MAX then return answer(slot, { 'too_many_refunds' }) end
local state = order[STATE]
if state ~= 'sold' and state ~= 'part' and state ~= 'owed' then
  return answer(slot, { 'not_refundable', state })
end

local refunded_before, price_of, offer_number = {}, {}, {}
for _, earlier in ipairs(order[REFUNDS]) do
  for _, serial in ipairs(earlier[3]) do refunded_before[serial] = true end
end
local left = {}
if state ~= 'owed' then
  for _, line in ipairs(order[LINES]) do
    for _, serial in ipairs(line[3]) do
      price_of[serial], offer_number[serial] = line[2], line[1]
      if not refunded_before[serial] then left[#left + 1] = serial end
    end
  end
end
for i, serial in ipairs(wanted) do
  -- A unit named twice would be paid back twice.
  if not price_of[serial] or refunded_before[serial] or wanted[i - 1] == serial then
    return answer(slot, { 'unknown_unit', serial })
  end
end
local serials = #wanted > 0 and wanted or left

local amount, freed = 0, 0
local ends = { back = {}, voided = {}, redeemed = {} }
local function note(list, number, price, serial)
  local last = list[#list]
  if not last or last[1] ~= number then
    last = { number, price, {} }
    list[#list + 1] = last
  end
  last[3][#last[3] + 1] = serial
end
if state == 'owed' then amount = order[AMOUNT] end
for _, serial in ipairs(serials) do
  local number, price = offer_number[serial], price_of[serial]
  local offer = offer_of(number)
  local unit_state, generation, owner = unit_get(serial)
  assert(owner == id and (unit_state == 's' or unit_state == 'r'),
    'unit ' .. serial .. ' of a refundable order is ' .. unit_state .. ' of ' .. owner)
  amount = amount + price
  if unit_state == 'r' then
    note(ends.redeemed, number, price, serial)
  elseif offer[CODES] == 'o' or generation == GENERATION_MAX then
    offer[SOLD], offer[VOIDED] = offer[SOLD] - 1, offer[VOIDED] + 1
    unit_set(serial, 'v', generation, id)
    note(ends.voided, number, price, serial)
    freed = freed + 1
  else
    give(number, offer, { serial }, SOLD)
    unit_set(serial, '-', generation + 1, NOBODY)
    note(ends.back, number, price, serial)
    freed = freed + 1
  end
end

count_add(bucket, order, -freed)   -- also where none is: what is counted outlives the state
order[REFUNDED] = order[REFUNDED] + amount
assert(order[REFUNDED] <= order[AMOUNT], 'more would go back than was paid')
-- By units and not by money: a unit may cost nothing.
order[STATE] = #serials == #left and 'back' or 'part'
order[REFUNDS][#order[REFUNDS] + 1] = { refund, asked, serials }
add_fact(slot, 'refunded', id, order[BUYER], order[SELLER], refund, amount, ends.back, ends.voided,
  ends.redeemed, #wanted > 0 and 1 or 0)
local packed = order_set(slot, bucket, order)
write_buckets()
write_stock(slot)
return answer(slot, { 'refunded', packed, unit_marks(id, order[LINES]) })
