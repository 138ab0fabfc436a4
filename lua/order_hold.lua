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
--   2 names    string  how many buckets, two bytes; for each of them, one byte, how many pairs of
--     names less one; then the pairs: an order and its buyer's field
--   3 asked    string  offers whose units next in line may be needed, and how many: >HI4
--   4 batch    string  1..256 records joined, each as RECORD in asked.lua says: number of its bucket,
--     place of its order among the bucket's names (its buyer's is the next), 1 to sell in one step
--     and 2 for MORE_ASKED behind it, offer, quantity; packed as it is to be kept: buyer, seller,
--     reference, payment, fingerprint, pass
--   5 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY for each record a verdict and the order's record or ''; in order of precedence
--   no_slot                             for the whole call: this store does not know the sale
--   replayed marks
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
--   held marks
--   sold marks
-- COST O(units asked for)
--@include stock
--@include orders
--@include allocate
--@include asked
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local KEYS, now, limit, char, pack = KEYS, slot.now, slot.limit, string.char, struct.pack
local facts, new_due, writes = {}, {}, {}   -- writes: number of a bucket → fields and values
-- Facts and records are joined from packed pieces, most of them the same for the whole batch:
-- \184 begins a text of 24 characters, \207 an integer of 64 bits, \206 one of 32.
local ends_at = pack('>I8', now + slot.hold_ms)
local AT_ORDER = '\207' .. pack('>I8', now) .. '\184'
local KIND_OF_FACT = { [0] = '\158' .. cmsgpack.pack('held'), '\157' .. cmsgpack.pack('sold') }
local LETTER, TIMES = { [0] = 'h', 'c' },
  { [0] = pack('>I8', now) .. ends_at, pack('>I8', now) .. pack('>I8', 0) }
local ENDS = { [0] = '\207' .. ends_at, '' }
local WORD = { [0] = 'held ', 'sold ' }
local fact_high, fact_heads, record_heads = nil, {}, {}   -- what 256 numbers of facts share
local fact_mids, record_mids = { [0] = {}, {} }, { [0] = {}, {} }   -- step → amount → packed
local ONE_LINE, ONE_SERIAL = '\145\147', '\145\206'
local line_highs, line_heads = {}, {}   -- offer → what its line shares with 256 serials
local verdicts, texts = {}, {}          -- marks → what is told; count → its text

local function refused_by_sale()
  if slot.closes_at_ms > 0 and slot.now >= slot.closes_at_ms then return 'closed' end
  if slot.state == 'announced' or (slot.state == 'open' and slot.drop == 0) then
    return 'not_open ' .. whole(slot.drops[1] or 0)
  end
  return slot.state ~= 'open' and slot.state
end
local sale_refuses = refused_by_sale()

local function refused_by_pass(buyer, pass, ends, drop)
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

-- What the line of one unit of an offer shares with those of the 256 serials from this one on.
local function pack_line_head(number, high)
  line_highs[number] = high
  line_heads[number] = ONE_LINE .. cmsgpack.pack(number, offers[number][PRICE]) .. ONE_SERIAL
    .. pack('>I4', high):sub(1, 3)
end

-- The lines of an order, from units that lie next in line or from wherever they are; or nil and why.
local function lines_of(number, offer, quantity, wanted, first, to)
  if not first then return allocate(slot, wanted or { { number, quantity, {} } }, to) end
  local serials = {}
  for i = 1, quantity do serials[i] = first + i - 1 end
  return { { number, offer[PRICE], serials } }, offer[PRICE] * quantity
end

-- Packed lines, amount and marks of what was taken; or nil and the refusal.
local function taken(order, number, quantity, wanted, one_step)
  local to, first = one_step == 1 and SOLD or HELD, nil
  local offer = offers[number]
  if not wanted then
    first = offer[NEXT]
    local past, available = first + quantity, offer[AVAILABLE]
    if offer[KIND] == 's' or offer[BACKS] > 0 or available < quantity or past > offer[END] then
      first = nil
    else   -- what most ask for: units that lie next in line, taken without a table
      offer[NEXT], offer[AVAILABLE], offer[to] = past, available - quantity, offer[to] + quantity
      if quantity == 1 then
        local low = first % 256
        if line_highs[number] ~= first - low then pack_line_head(number, first - low) end
        return line_heads[number] .. char(low), offer[PRICE],
          one_step == 1 and unit_sold(order, first) or unit_mark(first)
      end
    end
  end
  local lines, amount = lines_of(number, offer, quantity, wanted, first, to)
  if lines then
    local marks = one_step == 1 and units_sold(order, lines) or unit_marks(order, lines)
    return pack_lines(lines), amount, marks
  end
  local some_due, first_due = something_due(slot)
  if some_due then return nil, 'due' end
  if amount[1] == 'all_held' then amount[3] = whole(first_due) end
  return nil, table.concat(amount, ' ')
end

local function replayed(key, order, known, kept)
  fields[order] = known
  local _, _, _, _, fingerprint = cmsgpack.unpack(kept)
  local stands = order_of(key, order)
  if stands[FINGERPRINT] ~= fingerprint then return 'key_reused', '' end
  return 'replayed ' .. unit_marks(order, stands[LINES]), known
end

-- What lies between order and lines of a fact, and between the number and the lines of a record.
local function pack_amount(one_step, amount)
  local packed = pack('>I8', amount)
  fact_mids[one_step][amount] = cmsgpack.pack(slot.drop) .. '\207' .. packed .. ENDS[one_step]
  record_mids[one_step][amount] = TIMES[one_step] .. packed .. pack('>I2', slot.drop) .. SEVEN
end

-- What the numbers of facts from this one on share in facts and records.
local function pack_high(high)
  fact_high = high
  local shared = pack('>I8', high):sub(1, 7)
  for step = 0, 1 do
    fact_heads[step] = KIND_OF_FACT[step] .. '\207' .. shared
    record_heads[step] = LETTER[step] .. shared
  end
end

-- The record of an order, and its fact.
local function write(order, one_step, amount, lines, kept)
  local fact = slot.fact + 1
  slot.fact = fact
  local low = fact % 256
  if fact - low ~= fact_high then pack_high(fact - low) end
  low = char(low)
  local mid = fact_mids[one_step][amount]
  if not mid then
    pack_amount(one_step, amount)
    mid = fact_mids[one_step][amount]
  end
  facts[#facts + 1] = fact_heads[one_step] .. low .. AT_ORDER .. order .. mid .. lines .. kept
  return record_heads[one_step] .. low .. record_mids[one_step][amount] .. lines .. kept
end

-- The parameters are a record's, in the order of RECORD. The verdict, and the order's record.
local function decide(bucket, place, one_step, number, quantity, kept, more)
  local names, values = names_in[bucket], values_in[bucket]
  local field_at, refusal, pass, wanted = place + 1, sale_refuses, '', false
  if more then place, field_at, pass, wanted = more[1], more[2], more[5], more[6] end
  local order, known, buyer = names[place], values[place], values[field_at]
  if known then return replayed(KEYS[bucket + 7], order, known, kept) end
  if not refusal and pass ~= '' then refusal = refused_by_pass(buyer, pass, more[3], more[4]) end
  if refusal then return refusal, '' end
  if wanted then
    refusal, quantity = refused_by_lines(wanted)
  else
    refusal = offer_refuses[number]
    if refusal == nil then
      refusal = refused_by_offer(number)
      offer_refuses[number] = refusal
    end
  end
  if refusal then return refusal, '' end
  local has, passes = 0, ''
  if buyer then has, passes = counted(buyer) end
  if has + quantity > limit then return 'limit_reached ' .. limit .. ' ' .. has, '' end
  local lines, amount, marks = taken(order, number, quantity, wanted, one_step)
  if not lines then return amount, '' end

  local record = write(order, one_step, amount, lines, kept)
  if one_step == 0 then
    new_due[#new_due + 1] = now + slot.hold_ms
    new_due[#new_due + 1] = order
  end
  local count = texts[has + quantity]
  if not count then
    count = whole(has + quantity)
    texts[has + quantity] = count
  end
  if pass ~= '' then count = count .. (passes == '' and ' ' or passes) .. pass .. ' ' end
  local flat = writes[bucket]
  if flat then
    local last = #flat
    flat[last + 1], flat[last + 2], flat[last + 3], flat[last + 4] =
      names[field_at], count, order, record
  else
    writes[bucket] = { names[field_at], count, order, record }
  end
  values[place], values[field_at] = record, count
  local verdict = verdicts[marks]
  if not verdict then
    verdict = WORD[one_step] .. marks
    verdicts[marks] = verdict
  end
  return verdict, record
end

read_asked(ARGV[2], ARGV[3])
local replies, last, batch, at = {}, 0, ARGV[4], 1
local past, split = #batch, struct.unpack
while at <= past do
  local bucket, place, kind, number, quantity, kept, more
  bucket, place, kind, number, quantity, kept, at = split(RECORD, batch, at)
  if kind > 1 then more, at = read_more(batch, at) end
  replies[last + 1], replies[last + 2] = decide(bucket, place, kind % 2, number, quantity, kept, more)
  last = last + 2
end
for bucket, flat in pairs(writes) do redis.call('HSET', KEYS[bucket + 7], unpack(flat)) end
write_pairs('ZADD', DUE, new_due)
slot.facts = facts
write_stock(slot)
return answer(slot, replies)
