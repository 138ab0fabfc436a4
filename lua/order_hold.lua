#!lua
-- order_hold: hold, or sell in one step, what each record of a batch asks for.
--
-- Why: the one decision of a purchase. Limit, repeat, pass, stock and fact change together or not
-- at all; each record sees what the earlier ones of its batch took.
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
--   2 batch    msgpack 1..256 records of [order, number of its bucket in KEYS, buyer, seller,
--     reference, fingerprint, pass id or '', the pass's end, the pass's drop, 1 to sell in one
--     step, payment, lines of [offer, quantity, serials]]
--   3 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per record, in order of precedence; no_slot stands for the whole call
--   no_slot                             this store does not know the sale
--   replayed order_record states generations
--   key_reused                          same key and buyer, other content
--   not_open opens_at_ms
--   paused
--   draining
--   closed
--   pass_spent
--   pass_expired
--   pass_of_another_drop
--   unknown_offer offer
--   offer_not_open offer opens_at_ms
--   offer_closed offer
--   limit_reached limit has
--   due                                 holds have run out; expire them and ask again
--   seat_taken offer serials…
--   too_few offer left
--   all_held offer retry_at_ms
--   not_together offer
--   sold_out offer
--   held order_record states generations
--   sold order_record states generations
-- COST O(units asked for)
--@include stock
--@include orders
--@include allocate
local new_due = {}
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end

local function refused_by_sale()
  if slot.closes_at_ms > 0 and slot.now >= slot.closes_at_ms then return { 'closed' } end
  if slot.state == 'announced' or (slot.state == 'open' and slot.drop == 0) then
    return { 'not_open', slot.drops[1] or 0 }
  end
  if slot.state ~= 'open' then return { slot.state } end
end

local function refused_by_pass(key, pass, expires_at_ms, drop)
  if pass == '' then return nil end
  local field = 'p:' .. pass
  if bucket_read(key, field)[field] then return { 'pass_spent' } end
  if slot.now >= expires_at_ms then return { 'pass_expired' } end
  if drop ~= slot.drop then return { 'pass_of_another_drop' } end
end

local function refused_by_offer(lines)
  local quantity = 0
  for _, line in ipairs(lines) do
    local offer = offer_of(line[1])
    if not offer then return { 'unknown_offer', line[1] } end
    if offer[DROP] > slot.drop then
      return { 'offer_not_open', line[1], slot.drops[offer[DROP]] or 0 }
    end
    local over = offer[ENDS_AT] > 0 and slot.now >= offer[ENDS_AT]
    if over or (offer[DROP] < slot.drop and not slot.carry) then
      return { 'offer_closed', line[1] }
    end
    quantity = quantity + line[2]
  end
  return nil, quantity
end

local function decide(order, key, buyer, seller, reference, fingerprint, pass, pass_expires_ms,
  pass_drop, one_step, payment, wanted)
  bucket_read(key, 'o:' .. order, 'b:' .. buyer, 'p:' .. pass)
  local known = order_of(key, order)
  if known then
    if known[FINGERPRINT] ~= fingerprint then return { 'key_reused' } end
    return { 'replayed', cmsgpack.pack(known), unit_marks(order, known[LINES]) }
  end
  local refusal = refused_by_sale() or refused_by_pass(key, pass, pass_expires_ms, pass_drop)
  if refusal then return refusal end
  local refused, quantity = refused_by_offer(wanted)
  if refused then return refused end
  local has = count_of(key, buyer)
  if has + quantity > slot.limit then return { 'limit_reached', slot.limit, has } end

  local lines, amount = allocate(slot, wanted, one_step == 1 and SOLD or HELD)
  if not lines then
    local some_due, first_due = something_due(slot)
    if some_due then return { 'due' } end
    if amount[1] == 'all_held' then amount[3] = first_due end
    return amount
  end

  local record = { 'held', buyer, seller, reference, fingerprint, slot.drop, pass, lines, amount,
    0, slot.now, slot.now + slot.hold_ms, payment, 0, {} }
  if one_step == 1 then
    record[STATE], record[EXPIRES_AT] = 'confirmed', 0
    add_fact(slot, 'sold', order, buyer, seller, reference, slot.drop, lines, amount, payment,
      fingerprint, pass)
    units_sold(order, lines)
  else
    add_fact(slot, 'held', order, buyer, seller, reference, slot.drop, pass, lines, amount,
      record[EXPIRES_AT], fingerprint)
    new_due[#new_due + 1] = record[EXPIRES_AT]
    new_due[#new_due + 1] = order
  end
  count_add(key, buyer, quantity)
  if pass ~= '' then bucket_set(key, 'p:' .. pass, order) end
  local packed = order_set(slot, key, order, record)
  return { one_step == 1 and 'sold' or 'held', packed, unit_marks(order, lines) }
end

local replies = {}
for i, record in ipairs(cmsgpack.unpack(ARGV[2])) do
  record[2] = KEYS[record[2]]
  replies[i] = decide(unpack(record, 1, 12))
end
write_buckets()
write_pairs('ZADD', DUE, new_due)
write_stock(slot)
return answer(slot, replies)
