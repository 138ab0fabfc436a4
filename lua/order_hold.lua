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
--   2 names    string  for each bucket, one byte, how many buyers less one; then the buyers' tags
--   3 asked    string  how many records, how many offers: >HH; these offers, two bytes each, whose
--     units next in line may be needed; how many units of each, four bytes; then the batch's wishes,
--     three bytes each: 1 to sell in one step and 2 for a PASS and 4 for lines behind the record, the
--     offer's place among these less one, quantity
--   4 batch    string  1..256 records joined, each as RECORD below says: place of its buyer's tag,
--     number of its wish, order; packed as it is to be kept: buyer, seller, reference, payment,
--     fingerprint, pass
--   5 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY the verdicts of all records, a line each ('3*' before one that three in a row have), then the
--     record of each order that is replayed, then the facts, which are the records of the new orders;
--     in order of precedence
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
local RECORD, PASS_ASKED = '>HHc24Hc0', '>I8HBc0'
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local now, limit, char, pack, split = slot.now, slot.limit, string.char, struct.pack, struct.unpack
local call, byte, unpack = redis.call, string.byte, unpack
-- Records are joined from packed pieces, most of them the same for the whole batch: \205, \206 and
-- \207 are integers of 16, 32 and 64 bits, \184 begins a text of 24 characters.
local KINDS = { [0] = 'held', 'sold' }
local AT_ORDER = '\207' .. pack('>I8', now) .. '\184'
local DROP_NOW = pack('>BI2', 205, slot.drop)
local ENDS = { [0] = '\207' .. pack('>I8', now + slot.hold_ms), '\207\0\0\0\0\0\0\0\0' }
local heads, fact_high = {}, slot.fact - 256   -- step → how a record begins that shares 256 numbers
local verdicts = {}                     -- wish → what is told when it is granted
local sold_out = {}                     -- offer → the refusal
local facts, new_due = {}, {}
local fact, made = slot.fact, 0
local replayed = {}                     -- records of orders that stood before this call
local careful, split_lines, write_careful   -- made once an order needs them

local function refused_by_sale()
  if slot.closes_at_ms > 0 and slot.now >= slot.closes_at_ms then return 'closed' end
  if slot.state == 'announced' or (slot.state == 'open' and slot.drop == 0) then
    return 'not_open ' .. whole(slot.drops[1] or 0)
  end
  return slot.state ~= 'open' and slot.state
end
local sale_refuses = refused_by_sale()

--@include ready
--@include asked

-- What records share whose facts' numbers begin as this one's does.
local function pack_high()
  fact_high = fact - fact % 256
  local shared = '\207' .. sub(pack('>I8', fact_high), 1, 7)
  for step = 0, 1 do heads[step] = '\158\164' .. KINDS[step] .. shared end
  return fact - fact_high
end

local function verdict_of(wish, step, quantity)
  verdicts[wish] = KINDS[step] .. ' ' .. string.rep(step == 1 and 's0' or '-0', quantity)
  return verdicts[wish]
end

-- What few orders need is made when the first of them comes: who has bought before, who asks for
-- several offers or for named units, units that came back, and whoever is refused.
local function be_careful()
--@include order_changes
--@include allocate
--@include careful
end

local told, count, last, times, batch, at = {}, 0, nil, 0, ARGV[4], 1

-- What was decided last, once or several times in a row.
local function tell()
  count = count + 1
  told[count] = times > 1 and times .. '*' .. last or last
end

local past = #batch
-- Where all are usual every order is sold its unit, and nothing is asked again order by order.
if all_usual then
  local head, low = nil, 256
  while at <= past do
    local place, wish, order, kept, behind = split(RECORD, batch, at)
    local line = lines[wish]   -- there is one wish for each offer, in the same order
    local first = line[LINE_NEXT]
    at, made, low = behind, made + 1, low + 1
    if low > 255 then
      fact = slot.fact + made
      low = pack_high()
      head = heads[1]
    end
    if first >= line[LINE_RUN] then line_on(line, first) end
    line[LINE_NEXT] = first + 1
    line[LINE_OWNERS + first - line[LINE_FIRST]] = order
    local record = head .. char(low) .. AT_ORDER .. order .. (line[2] or line_head(line, 1))
      .. char(first - line[LINE_HIGH]) .. kept
    facts[made], has[place] = record, record
  end
  fact, last, times = slot.fact + made, 'sold s0', made
end
while at <= past do
  local place, wish, order, kept, behind = split(RECORD, batch, at)
  local step, which, quantity = wishes[3 * wish - 2], wishes[3 * wish - 1] + 1, wishes[3 * wish]
  local kind, verdict, ends, drop, pass, wanted = step, nil, nil, nil, nil, nil
  at = behind
  if kind > 1 then
    step = kind % 2
    if kind % 4 > 1 then ends, drop, pass, at = split(PASS_ASKED, batch, at) end
    if kind > 3 then
      if not careful then be_careful() end
      wanted, at = split_lines(batch, at)
    end
  end
  local line = lines[which]
  if line == nil then line = line_again(which) end
  local first = line and line[LINE_NEXT]
  local plain = first and has[place] == names[place] and not wanted and quantity <= limit
    and (not ends or (now < ends and drop == slot.drop))
  if plain and first + quantity <= line[LINE_PAST] then
    fact = fact + 1
    made = made + 1
    local low, record = fact - fact_high, nil
    if low > 255 then low = pack_high() end
    line[LINE_NEXT] = first + quantity
    if quantity == 1 then
      if first >= line[LINE_RUN] then line_on(line, first) end
      record = heads[step] .. char(low) .. AT_ORDER .. order
        .. (line[step + 1] or line_head(line, step)) .. char(first - line[LINE_HIGH]) .. kept
    else
      record = heads[step] .. char(low) .. AT_ORDER .. order
        .. line_units(line, quantity, step) .. kept
    end
    if step == 1 then
      local from = LINE_OWNERS + first - line[LINE_FIRST]
      line[from] = order
      if quantity > 1 then
        for i = from + 1, from + quantity - 1 do line[i] = order end
      end
    else
      line[LINE_HOLDS] = line[LINE_HOLDS] + quantity
      new_due[#new_due + 1] = now + slot.hold_ms
      new_due[#new_due + 1] = order
    end
    facts[made], has[place] = record, record
    verdict = verdicts[wish] or verdict_of(wish, step, quantity)
  elseif plain and line[LINE_AVAILABLE] == first - line[LINE_FIRST]
    and line[LINE_HELD] + line[LINE_HOLDS] == 0 then   -- and so no hold that is due brings any back
    verdict = sold_out[which]
    if not verdict then
      verdict = 'sold_out ' .. numbers[which]
      sold_out[which] = verdict
    end
  else
    if not careful then be_careful() end
    verdict = careful(place, step, numbers[which], quantity, order, kept, ends, drop, pass, wanted)
  end
  if verdict == last then
    times = times + 1
  else
    if last then tell() end
    last, times = verdict, 1
  end
end
tell()
settle_lines()
if made > 0 then write_buyers() end
if careful then write_careful() end
write_pairs('ZADD', DUE, new_due)
slot.facts, slot.fact = facts, fact
write_stock(slot)
return answer(slot, { table.concat(told, '\n'), unpack(replayed) })
