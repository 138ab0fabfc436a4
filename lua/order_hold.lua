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
--   2 names    string  how many buckets, two bytes; for each of them, one byte, how many buyers less
--     one; then the buyers' tags
--   3 asked    string  offers whose units next in line may be needed, and how many: >HI4
--   4 batch    string  1..256 records joined, each as RECORD below says: number of its bucket, place
--     of its buyer's tag among the bucket's, 1 to sell in one step and 2 for a PASS and 4 for lines
--     behind it, offer, quantity, order; packed as it is to be kept: buyer, seller, reference,
--     payment, fingerprint, pass
--   5 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY the verdicts of all records, a line each, then the record of each order that is replayed,
--     then the facts, which are the records of the new orders; in order of precedence
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
local RECORD, PASS_ASKED = '>HHBHBc24Hc0', '>I8HBc0'
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local now, limit, char, pack, split = slot.now, slot.limit, string.char, struct.pack, struct.unpack
local call, unpack = redis.call, unpack
-- Records are joined from packed pieces, most of them the same for the whole batch: \205, \206 and
-- \207 are integers of 16, 32 and 64 bits, \184 begins a text of 24 characters.
local KINDS = { [0] = 'held', 'sold' }
local AT_ORDER = '\207' .. pack('>I8', now) .. '\184'
local DROP_NOW = pack('>BI2', 205, slot.drop)
local ENDS = { [0] = '\207' .. pack('>I8', now + slot.hold_ms), '\207\0\0\0\0\0\0\0\0' }
local heads, fact_high = {}, nil        -- step → how a record begins that shares 256 facts' numbers
local verdicts = { [0] = {}, {} }       -- step → units → what is told
local sold_out = {}                     -- offer → the refusal
local facts, new_due, writes = {}, {}, {}   -- writes: number of a bucket → fields and values
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

-- What records share whose facts' numbers begin with this one.
local function pack_high(high)
  fact_high = high
  local shared = '\207' .. sub(pack('>I8', high), 1, 7)
  for step = 0, 1 do heads[step] = '\158\164' .. KINDS[step] .. shared end
end

local function verdict_of(step, quantity)
  verdicts[step][quantity] = KINDS[step] .. ' ' .. string.rep(step == 1 and 's0' or '-0', quantity)
  return verdicts[step][quantity]
end

-- What few orders need is made when the first of them comes: who has bought before, who asks for
-- several offers or for named units, units that came back, and whoever is refused.
local function be_careful()
--@include order_changes
--@include allocate
--@include careful
end

local lines, count, batch, at = {}, 0, ARGV[4], 1
local past = #batch
while at <= past do
  local bucket, place, kind, number, quantity, order, kept, behind = split(RECORD, batch, at)
  local step, verdict, ends, drop, pass, wanted = kind, nil, nil, nil, nil, nil
  at = behind
  if kind > 1 then
    step = kind % 2
    if kind % 4 > 1 then ends, drop, pass, at = split(PASS_ASKED, batch, at) end
    if kind > 3 then
      if not careful then be_careful() end
      wanted, at = split_lines(batch, at)
    end
  end
  local line, values = ready[number], values_in[bucket]
  if line == nil then line = line_again(number) end
  local first = line and line[LINE_NEXT]
  local plain = first and not values[place] and not wanted and quantity <= limit
    and (not ends or (now < ends and drop == slot.drop))
  if plain and first + quantity <= line[LINE_PAST] then
    fact = fact + 1
    made = made + 1
    local low, record = fact % 256, nil
    if fact - low ~= fact_high then pack_high(fact - low) end
    line[LINE_NEXT] = first + quantity
    if quantity == 1 then
      local byte = first % 256
      if first - byte ~= line[LINE_HIGH] then
        line[LINE_HIGH], line[LINE_HEADS], line[LINE_HEADS + 1] = first - byte, false, false
      end
      record = heads[step] .. char(low) .. AT_ORDER .. order
        .. (line[LINE_HEADS + step] or line_head(line, number, step)) .. char(byte) .. kept
    else
      record = heads[step] .. char(low) .. AT_ORDER .. order
        .. line_units(line, number, quantity, step) .. kept
    end
    if step == 1 then
      local owners, from = line[LINE_OWNERS], first - line[LINE_FIRST] + 1
      owners[from] = order
      if quantity > 1 then
        for i = from + 1, from + quantity - 1 do owners[i] = order end
      end
    else
      line[LINE_HOLDS] = line[LINE_HOLDS] + quantity
      new_due[#new_due + 1] = now + slot.hold_ms
      new_due[#new_due + 1] = order
    end
    facts[made] = record
    values[place] = record
    local flat = writes[bucket]
    if flat then
      local size = #flat + 1
      flat[size] = names_in[bucket][place]
      flat[size + 1] = record
    else
      writes[bucket] = { names_in[bucket][place], record, nil, nil, nil, nil, nil, nil }
    end
    verdict = verdicts[step][quantity] or verdict_of(step, quantity)
  elseif plain and line[LINE_AVAILABLE] == first - line[LINE_FIRST]
    and line[LINE_HELD] + line[LINE_HOLDS] == 0 then   -- and so no hold that is due brings any back
    verdict = sold_out[number]
    if not verdict then
      verdict = 'sold_out ' .. number
      sold_out[number] = verdict
    end
  else
    if not careful then be_careful() end
    verdict = careful(bucket, place, step, number, quantity, order, kept, ends, drop, pass, wanted)
  end
  count = count + 1
  lines[count] = verdict
end
settle_lines()
for bucket, flat in pairs(writes) do call('HSET', KEYS[bucket + 7], unpack(flat)) end
if careful then write_careful() end
write_pairs('ZADD', DUE, new_due)
slot.facts, slot.fact = facts, fact
write_stock(slot)
return answer(slot, { table.concat(lines, '\n'), unpack(replayed) })
