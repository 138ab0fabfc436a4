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
--   2 batch    string  1..256 records joined, each as RECORD and LINE below say: number of its
--     bucket in KEYS, order, buyer, 1 to sell in one step, the pass's end and drop, the pass or '',
--     and packed as they are to be kept: seller and reference, payment, fingerprint; its lines
--   3 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per record, in order of precedence; no_slot stands for the whole call
--   no_slot                             this store does not know the sale
--   replayed order_record marks
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
--   held order_record marks
--   sold order_record marks
-- COST O(units asked for)
--@include stock
--@include orders
--@include allocate
local RECORD, LINE, SERIAL = '>I2c24c24BI8I2Bc0I2c0I2c0Bc0B', '>I2BB', 'I4'
local AT, ORDER, BY, ONE_STEP, PASS_ENDS, PASS_DROP, PASS_ID, SAID, PAID, PRINT, ASKED, KEY =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
-- Facts and records are joined from packed pieces: text of 24 characters, an integer of 64 bits, ''.
local TEXT24, UINT64, NOTHING = '\184', 207, '\160'
local SOLD_FACT, HELD_FACT = '\157' .. cmsgpack.pack('sold'), '\157' .. cmsgpack.pack('held')
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local drop_packed = cmsgpack.pack(slot.drop)
local new_due, seen = {}, {}

local function read_lines(batch, count, at)
  local lines = {}
  for i = 1, count do
    local offer, quantity, named
    offer, quantity, named, at = struct.unpack(LINE, batch, at)
    local serials = {}
    if named > 0 then
      serials = { struct.unpack('>' .. SERIAL:rep(named), batch, at) }
      at = table.remove(serials)
    end
    lines[i] = { offer, quantity, serials }
  end
  return lines, at
end

-- All records, and in one read for each key what they need of buckets and offers.
local function read_batch(batch)
  local records, names_of, numbers, known = {}, {}, {}, {}
  local at, past = 1, #batch
  while at <= past do
    local record = { struct.unpack(RECORD, batch, at) }
    record[ASKED], at = read_lines(batch, record[ASKED], record[KEY])
    local key = KEYS[record[AT]]
    record[KEY] = key
    local names = names_of[key]
    if not names then
      names = {}
      names_of[key] = names
    end
    names[#names + 1] = record[ORDER]
    names[#names + 1] = 'b:' .. record[BY]
    for _, line in ipairs(record[ASKED]) do
      if not known[line[1]] then
        known[line[1]] = true
        numbers[#numbers + 1] = line[1]
      end
    end
    records[#records + 1] = record
  end
  buckets_fetch(names_of)
  offers_fetch(numbers)
  return records
end

local function refused_by_sale()
  if slot.closes_at_ms > 0 and slot.now >= slot.closes_at_ms then return { 'closed' } end
  if slot.state == 'announced' or (slot.state == 'open' and slot.drop == 0) then
    return { 'not_open', slot.drops[1] or 0 }
  end
  if slot.state ~= 'open' then return { slot.state } end
end

local function refused_by_pass(record)
  local pass = record[PASS_ID]
  if pass == '' then return nil end
  if is_spent(record[KEY], record[BY], pass) then return { 'pass_spent' } end
  if slot.now >= record[PASS_ENDS] then return { 'pass_expired' } end
  if record[PASS_DROP] ~= slot.drop then return { 'pass_of_another_drop' } end
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

-- The order's record and its fact are joined from the same pieces.
local function keep(record, lines, amount)
  local order, one_step = record[ORDER], record[ONE_STEP] == 1
  local packed_lines = cmsgpack.pack(lines)
  local pass = record[PASS_ID] == '' and NOTHING or cmsgpack.pack(record[PASS_ID])
  local who = TEXT24 .. record[BY] .. record[SAID]
  local ends = one_step and 0 or slot.now + slot.hold_ms
  slot.fact = slot.fact + 1
  local numbers = struct.pack('>BI8BI8', UINT64, slot.fact, UINT64, slot.now)
  if one_step then
    slot.facts[#slot.facts + 1] = SOLD_FACT .. numbers .. TEXT24 .. order .. who .. drop_packed
      .. packed_lines .. struct.pack('>BI8', UINT64, amount) .. record[PAID] .. record[PRINT] .. pass
  else
    slot.facts[#slot.facts + 1] = HELD_FACT .. numbers .. TEXT24 .. order .. who .. drop_packed
      .. pass .. packed_lines .. struct.pack('>BI8BI8', UINT64, amount, UINT64, ends) .. record[PRINT]
    new_due[#new_due + 1] = ends
    new_due[#new_due + 1] = order
  end
  local packed = order_head(slot, one_step and 'c' or 'h', slot.now, ends, amount, slot.drop)
    .. SEVEN .. who .. packed_lines .. record[PAID] .. record[PRINT] .. pass
  field_set(record[KEY], order, packed)
  return packed
end

local function decide(record)
  local key, order, buyer, wanted = record[KEY], record[ORDER], record[BY], record[ASKED]
  if fields[order] then
    local known = order_of(key, order)
    if cmsgpack.pack(known[FINGERPRINT]) ~= record[PRINT] then return { 'key_reused' } end
    return { 'replayed', fields[order], unit_marks(order, known[LINES]) }
  end
  local refusal = refused_by_sale() or refused_by_pass(record)
  if refusal then return refusal end
  local refused, quantity = refused_by_offer(wanted)
  if refused then return refused end
  local has = count_of(key, buyer)
  if has + quantity > slot.limit then return { 'limit_reached', slot.limit, has } end

  local one_step = record[ONE_STEP] == 1
  local lines, amount = allocate(slot, wanted, one_step and SOLD or HELD)
  if not lines then
    local some_due, first_due = something_due(slot)
    if some_due then return { 'due' } end
    if amount[1] == 'all_held' then amount[3] = first_due end
    return amount
  end
  count_add(key, buyer, quantity, record[PASS_ID] ~= '' and record[PASS_ID])
  local packed = keep(record, lines, amount)
  if one_step then return { 'sold', packed, units_sold(order, lines) } end
  return { 'held', packed, unit_marks(order, lines) }
end

local replies = {}
for i, record in ipairs(read_batch(ARGV[2])) do replies[i] = decide(record) end
write_buckets()
write_pairs('ZADD', DUE, new_due)
write_stock(slot)
return answer(slot, replies)
