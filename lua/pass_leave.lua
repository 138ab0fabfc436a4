#!lua
-- pass_leave: spend a pass on nothing, so that it buys no more.
--
-- Why: who goes away with a pass in hand gives the slot in the room back at once, and that is free
-- only once the pass is surely worth nothing. It is spent where each purchase with it must come by:
-- by an order of nothing, held and released in this step. So a rebuilt slot knows it from the facts
-- that orders have, and the order's id, which is made of the pass, tells a repeat from a purchase.
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
--   2 order    string  id of the order of nothing
--   3 buyer    string  24 characters
--   4 seller   string  whose passes these are
--   5 pass     string  id of the pass
--   6 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   again                               it was spent on nothing before
--   bought                              an order has it
--   left
-- COST O(1)
--@include stock
--@include order_changes
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local order, buyer, seller, pass, bucket = ARGV[2], ARGV[3], ARGV[4], ARGV[5], KEYS[8]
if order_of(bucket, order) then return answer(slot, { 'again' }) end
local _, counted = counted_of(bucket, buyer)
local count, passes = split_count(counted)
if passes:find(' ' .. pass .. ' ', 1, true) then return answer(slot, { 'bought' }) end

add_fact(slot, 'held', order, slot.drop, 0, slot.now, {}, buyer, seller, '', '', '', pass)
add_fact(slot, 'released', order, buyer, seller, {})
local nothing, tag = {}, sub(order, 7, 16)
nothing[STATE], nothing[HELD_AT], nothing[ORDER_ID], nothing[ORDER_DROP] = 'free', slot.now, order, slot.drop
nothing[AMOUNT], nothing[EXPIRES_AT], nothing[LINES], nothing[BUYER] = 0, 0, {}, buyer
nothing[PAYMENT], nothing[PASS], nothing[COUNTED], nothing[REFUNDED], nothing[REFUNDS] = '', pass, '', 0, {}
nothing[LINES_PACKED], nothing[WHO_PACKED] = pack_lines({}), cmsgpack.pack(buyer, seller, '')
nothing[LAST_PACKED], nothing[FIELD] = cmsgpack.pack('', pass), tag
if field_of(bucket, tag) then   -- the buyer's first order has the count, and this one its own field
  nothing[FIELD] = order
  count_set(bucket, buyer, whole(count) .. (passes == '' and ' ' or passes) .. pass .. ' ')
end
order_set(slot, bucket, nothing)
write_buckets()
write_stock(slot)
return answer(slot, { 'left' })
