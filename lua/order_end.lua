#!lua
-- order_end: end holds without a sale: released by their owner, or expired.
--
-- Why: units come back by a decision, never by a TTL. Both endings give back units and the buyer's
-- count in the same way; only an expiry asks whether its time has come, so that a late sweep of
-- another process cannot take a hold that was confirmed or prolonged meanwhile.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
--   4 back     zset    serials of pooled offers that came back
--   5 units    hash    chunk → unit entries
--   6 due      zset    order → end of its hold
--   7 facts    stream  what became true
--   8+ buckets+ hash   each buyer's orders, count and passes
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 how      word    released or expired
--   3 batch    string  1..256 records joined, each as RECORD below says: number of its bucket in
--     KEYS, order, the buyer or '', the seller or ''
--   4 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY for each record a verdict and the order's record or ''; in order of precedence
--   no_slot                             for the whole call: this store does not know the sale
--   not_found
--   not_yours
--   not_held marks    it ended before, or was confirmed
--   not_due                             its time has not come
--   ended marks
-- COST O(units of the orders)
--@include giving
--@include order_changes
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local RECORD = '>I2c24Bc0Bc0'
local how, ended = ARGV[2], {}
local FACT = '\151' .. cmsgpack.pack(how)
assert(how == 'released' or how == 'expired', 'how is released or expired')

local function decide(key, id, buyer, seller)
  local order = order_of(key, id)
  if not order then return 'not_found' end
  if (buyer ~= '' and order[BUYER] ~= buyer) or (seller ~= '' and order[SELLER] ~= seller) then
    return 'not_yours'
  end
  if order[STATE] ~= 'held' then
    return told('not_held', unit_marks(id, order[LINES]), fields[key][order[FIELD]])
  end
  if how == 'expired' and slot.now < order[EXPIRES_AT] then return 'not_due' end
  local lines = order[LINES]
  for i = 1, #lines do give(lines[i][1], offer_of(lines[i][1]), lines[i][3], HELD) end
  ended[#ended + 1] = id
  count_add(key, order, -units_in(lines))
  order[STATE], order[EXPIRES_AT] = how == 'released' and 'free' or 'late', 0
  add_packed_fact(slot, FACT, id, cmsgpack.pack(order[BUYER], order[SELLER])
    .. order[LINES_PACKED])
  local packed = order_set(slot, key, order)
  return told('ended', unit_marks(id, order[LINES]), packed)
end

local replies = replies_of(read_orders(RECORD, ARGV[3]), decide)
write_buckets()
if #ended > 0 then redis.call('ZREM', DUE, unpack(ended)) end
write_stock(slot)
return answer(slot, replies)
