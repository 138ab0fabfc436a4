#!lua
-- order_confirm: turn holds into sales, once their payment is proved.
--
-- Why: a payment may come after its hold is gone. Then it tries once more for the same units' kind;
-- when that fails the order is paid_unfulfilled and its money is owed back: a defined end.
-- The proof itself is checked before; here only the amount and the order's state are.
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
--   2 batch    string  1..256 records joined, each as RECORD below says: number of its bucket in
--     KEYS, order, amount_minor, 1 when no other stripe has units, owner: the buyer or '' and the
--     seller or '', payment
--   3 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY for each record a verdict and the order's record or ''; in order of precedence
--   no_slot                             for the whole call: this store does not know the sale
--   not_found
--   not_yours
--   replayed marks
--   unfulfilled_again marks
--   already_paid payment
--   amount_mismatch amount_minor
--   due                                 holds have run out; expire them and ask again
--   short offer units…                  other stripes may have them; look, and ask again
--   confirmed marks
--   reclaimed marks
--   unfulfilled marks
-- COST O(units of the orders)
--@include stock
--@include order_changes
--@include allocate
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local RECORD = '>I2c24I8BBc0Bc0I2c0'
local CONFIRMED_FACT = '\154' .. cmsgpack.pack('confirmed')
local ended = {}

-- A hold that ran out but was not given back yet still has its units.
local function confirm_held(key, id, order, payment)
  local lines = order[LINES]
  for i = 1, #lines do
    local offer, units = offer_of(lines[i][1]), #lines[i][3]
    offer[HELD] = offer[HELD] - units
    offer[SOLD] = offer[SOLD] + units
  end
  ended[#ended + 1] = id
  order[STATE], order[PAYMENT], order[EXPIRES_AT] = 'sold', payment, 0
  add_packed_fact(slot, CONFIRMED_FACT, id, order[WHO_PACKED] .. order[LINES_PACKED]
    .. cmsgpack.pack(order[AMOUNT], payment))
  local marks = units_sold(id, lines)
  return told('confirmed', marks, order_set(slot, key, order))
end

local function sells_still(order)
  -- Paused means that nothing is sold; a hold that still stands is another matter.
  if slot.state ~= 'open' and slot.state ~= 'draining' then return false end
  if slot.closes_at_ms > 0 and slot.now >= slot.closes_at_ms then return false end
  for _, line in ipairs(order[LINES]) do
    local offer = offer_of(line[1])
    if offer[ENDS_AT] > 0 and slot.now >= offer[ENDS_AT] then return false end
    -- A price that changed meanwhile would sell for another amount than was paid.
    if offer[PRICE] ~= line[2] then return false end
  end
  return true
end

local function reclaim(key, id, order, payment, is_last)
  local wanted = {}
  for i, line in ipairs(order[LINES]) do wanted[i] = { line[1], #line[3], {} } end
  local quantity = units_in(order[LINES])
  local lines
  if sells_still(order) and count_of(key, order[BUYER]) + quantity <= slot.limit then
    lines = allocate(slot, wanted, SOLD)
    if not lines and something_due(slot) then return 'due' end
    if not lines and is_last == 0 then
      local lacking = {}
      for i, line in ipairs(wanted) do lacking[i] = line[1] .. ' ' .. line[2] end
      return 'short ' .. table.concat(lacking, ' ')
    end
  end
  order[PAYMENT] = payment
  if not lines then
    order[STATE] = 'owed'
    add_fact(slot, 'unfulfilled', id, order[BUYER], order[SELLER], order[REFERENCE], order[AMOUNT],
      payment)
    local marks = unit_marks(id, order[LINES])
    return told('unfulfilled', marks, order_set(slot, key, order))
  end
  count_add(key, order, quantity)
  order[STATE], order[LINES], order[EXPIRES_AT] = 'sold', lines, 0
  order[LINES_PACKED] = pack_lines(lines)
  add_fact(slot, 'reclaimed', id, order[BUYER], order[SELLER], order[REFERENCE], lines,
    order[AMOUNT], payment)
  return told('reclaimed', units_sold(id, lines), order_set(slot, key, order))
end

local function decide(key, id, amount, is_last, buyer, seller, payment)
  local order = order_of(key, id)
  if not order then return 'not_found' end
  if (buyer ~= '' and order[BUYER] ~= buyer) or (seller ~= '' and order[SELLER] ~= seller) then
    return 'not_yours'
  end
  if order[PAYMENT] ~= '' then
    if order[PAYMENT] ~= payment then return 'already_paid ' .. order[PAYMENT] end
    local word = order[STATE] == 'owed' and 'unfulfilled_again' or 'replayed'
    return told(word, unit_marks(id, order[LINES]), fields[key][order[FIELD]])
  end
  if amount ~= order[AMOUNT] then return 'amount_mismatch ' .. whole(order[AMOUNT]) end
  if order[STATE] == 'held' then return confirm_held(key, id, order, payment) end
  assert(order[STATE] == 'late' or order[STATE] == 'free', 'unpaid order in ' .. order[STATE])
  return reclaim(key, id, order, payment, is_last)
end

local replies = replies_of(read_orders(RECORD, ARGV[2]), decide)
write_buckets()
if #ended > 0 then redis.call('ZREM', DUE, unpack(ended)) end
write_stock(slot)
return answer(slot, replies)
