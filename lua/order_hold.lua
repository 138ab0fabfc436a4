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
--   2 batch    string  1..256 records joined, each as RECORD in asked.lua says: number of its bucket
--     in KEYS, order, its buyer's field, 1 to sell in one step, the pass's end and drop, the pass or
--     ''; packed as they are to be kept: who (buyer, seller, reference), rest (payment, fingerprint,
--     pass), fingerprint; the lines: offer, quantity, number of serials named, serials
--   3 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one text per record, parted by spaces, in order of precedence; no_slot for the whole call
--   no_slot                             this store does not know the sale
--   replayed marks order_record
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
--   held marks order_record
--   sold marks order_record
-- COST O(units asked for)
--@include stock
--@include orders
--@include allocate
--@include asked
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local now, limit, facts, new_due = slot.now, slot.limit, slot.facts, {}
-- Facts and records are joined from packed pieces, most of them the same for the whole batch:
-- \184 begins a text of 24 characters, \207 an integer of 64 bits, \160 is ''.
local number_of = struct.pack
local packed_drop, packed_now = cmsgpack.pack(slot.drop), number_of('>I8', now)
local SOLD_FACT, HELD_FACT = '\157' .. cmsgpack.pack('sold') .. '\207', '\157'
  .. cmsgpack.pack('held') .. '\207'
local AT_ORDER, AMOUNT_IS, ENDS_IS = '\207' .. packed_now .. '\184', '\207',
  '\207' .. number_of('>I8', now + slot.hold_ms)
local SOLD_TIMES, HELD_TIMES = packed_now .. number_of('>I8', 0),
  packed_now .. number_of('>I8', now + slot.hold_ms)
local DROP_IS = number_of('>I2', slot.drop) .. SEVEN
local fact_count, line_heads, amounts = 0, {}, {}   -- offer → its line up to the serial; amount → packed

local function refused_by_sale()
  if slot.closes_at_ms > 0 and slot.now >= slot.closes_at_ms then return 'closed' end
  if slot.state == 'announced' or (slot.state == 'open' and slot.drop == 0) then
    return 'not_open ' .. whole(slot.drops[1] or 0)
  end
  return slot.state ~= 'open' and slot.state
end
local sale_refuses = refused_by_sale()

local function refused_by_pass(field, pass, ends, drop)
  local buyer = fields[field]
  if buyer and buyer:find(' ' .. pass .. ' ', 1, true) then return 'pass_spent' end
  if now >= ends then return 'pass_expired' end
  return drop ~= slot.drop and 'pass_of_another_drop'
end

local function refused_by_offer(number)
  local offer = offer_of(number)
  if not offer then return 'unknown_offer ' .. number end
  if offer[DROP] > slot.drop then
    return 'offer_not_open ' .. number .. ' ' .. whole(slot.drops[offer[DROP]] or 0)
  end
  local over = offer[ENDS_AT] > 0 and slot.now >= offer[ENDS_AT]
  return (over or (offer[DROP] < slot.drop and not slot.carry)) and 'offer_closed ' .. number
end

-- Whether each offer can be bought now: the same for the whole batch.
local offer_refuses = {}

-- What the offers say, or nil and how many units are asked for.
local function refused_by_lines(wanted)
  local quantity = 0
  for _, line in ipairs(wanted) do
    local number = line[1]
    if offer_refuses[number] == nil then offer_refuses[number] = refused_by_offer(number) end
    if offer_refuses[number] then return offer_refuses[number] end
    quantity = quantity + line[2]
  end
  return nil, quantity
end

local function pack_run(number, first, quantity)
  local head = line_heads[number]
  if not head then
    head = '\145\147' .. cmsgpack.pack(number, offers[number][PRICE])
    line_heads[number] = head
  end
  if quantity == 1 then return head .. '\145' .. cmsgpack.pack(first) end
  local serials = {}
  for i = 1, quantity do serials[i] = first + i - 1 end
  return head .. cmsgpack.pack(serials)
end

local function marks_of_run(order, first, quantity, one_step)
  local mark = one_step and unit_sold or unit_mark
  if quantity == 1 then return mark(order, first) end
  local marks = {}
  for i = 1, quantity do marks[i] = mark(order, first + i - 1) end
  return table.concat(marks)
end

-- Packed lines, amount and marks of what was taken; or nil and the refusal.
local function taken(order, number, quantity, wanted, one_step)
  local to = one_step and SOLD or HELD
  local first = not wanted and take_run(number, quantity, to)
  if first then
    return pack_run(number, first, quantity), offers[number][PRICE] * quantity,
      marks_of_run(order, first, quantity, one_step)
  end
  local lines, amount = allocate(slot, wanted or { { number, quantity, {} } }, to)
  if lines then
    local marks = one_step and units_sold(order, lines) or unit_marks(order, lines)
    return cmsgpack.pack(lines), amount, marks
  end
  local some_due, first_due = something_due(slot)
  if some_due then return nil, 'due' end
  if amount[1] == 'all_held' then amount[3] = whole(first_due) end
  return nil, table.concat(amount, ' ')
end

local function replayed(key, order, fingerprint)
  local known = order_of(key, order)
  if cmsgpack.pack(known[FINGERPRINT]) ~= fingerprint then return 'key_reused' end
  return told('replayed', unit_marks(order, known[LINES]), fields[order])
end

-- The parameters are a record's, in the order of RECORD.
local function decide(key, order, field, one_step, pass_ends, pass_drop, pass, who, rest,
  fingerprint, _, number, quantity, _, wanted)
  if fields[order] then return replayed(key, order, fingerprint) end
  local refusal = sale_refuses
    or (pass ~= '' and refused_by_pass(field, pass, pass_ends, pass_drop))
  if refusal then return refusal end
  if wanted then
    refusal, quantity = refused_by_lines(wanted)
  else
    refusal = offer_refuses[number]
    if refusal == nil then
      refusal = refused_by_offer(number)
      offer_refuses[number] = refusal
    end
  end
  if refusal then return refusal end
  local has, passes = counted(fields[field])
  if has + quantity > limit then return 'limit_reached ' .. limit .. ' ' .. has end
  one_step = one_step == 1
  local lines, amount, marks = taken(order, number, quantity, wanted, one_step)
  if not lines then return amount end

  fact_count = fact_count + 1
  local fact = number_of('>I8', next_fact(slot))
  local packed_amount = amounts[amount]
  if not packed_amount then
    packed_amount = number_of('>I8', amount)
    amounts[amount] = packed_amount
  end
  local record
  if one_step then
    facts[fact_count] = SOLD_FACT .. fact .. AT_ORDER .. order .. who .. packed_drop .. lines
      .. AMOUNT_IS .. packed_amount .. rest
    record = 'c' .. fact .. SOLD_TIMES .. packed_amount .. DROP_IS .. who .. lines .. rest
  else
    new_due[#new_due + 1] = now + slot.hold_ms
    new_due[#new_due + 1] = order
    facts[fact_count] = HELD_FACT .. fact .. AT_ORDER .. order .. who .. packed_drop
      .. (pass == '' and '\160' or cmsgpack.pack(pass)) .. lines .. AMOUNT_IS .. packed_amount
      .. ENDS_IS .. fingerprint
    record = 'h' .. fact .. HELD_TIMES .. packed_amount .. DROP_IS .. who .. lines .. rest
  end
  if pass ~= '' then passes = (passes == '' and ' ' or passes) .. pass .. ' ' end
  count_set(key, field, has + quantity, passes)
  field_set(key, order, record)
  return told(one_step and 'sold' or 'held', marks, record)
end

local replies, records = {}, read_asked(ARGV[2])
for i = 1, #records do replies[i] = decide(unpack(records[i])) end
write_buckets()
write_pairs('ZADD', DUE, new_due)
write_stock(slot)
return answer(slot, replies)
