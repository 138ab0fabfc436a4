#!lua
-- stock_add: put lots of units on the shelf.
--
-- Why: a lot names what came from where, once; an interrupted publication or purchase ahead is
-- repeated and adds nothing twice.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
--   4 back     zset    serials of pooled offers that came back
--   5 units    hash    chunk → unit entries
--   6 due      zset    order → end of its hold
--   7 facts    stream  what became true
--   8 lending  hash    of a sale whose stripes lend: where stocked serials end
--   9 done     hash    what lots, reports and returns did
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 batch    msgpack 1..256 records of [lot, offer, ranges]; ranges: first, count, first, …
--   3 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per record, in order of precedence; no_slot stands for the whole call
--   no_slot                             this store does not know the sale
--   replayed units
--   key_reused                          same lot, other units
--   closed
--   unknown_offer offer
--   not_addable serial                  not a serial of this offer, or on the shelf before
--   added units
-- COST O(units of seated lots)
--@include giving
--@include lending
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local DONE, done, remembered, high = KEYS[9], {}, {}, {}

local function addable_seats(number, offer, ranges)
  local text = seats_of(number)
  for i = 1, #ranges, 2 do
    local at = ranges[i] - offer[BASE] + 1
    local piece = text:sub(math.max(at, 1), at + ranges[i + 1] - 1)
    if at < 1 or piece ~= string.rep('.', ranges[i + 1]) then
      return nil, ranges[i] + (piece:find('[^.]') or 1) - 1
    end
    text = text:sub(1, at - 1) .. string.rep('1', #piece) .. text:sub(at + #piece)
  end
  return text
end

-- Serials of a pooled offer come in ascending order, so what lies below its last end is known.
local function addable_range(number, offer, ranges)
  local last = offer[END]
  if #offer[MORE] > 0 then last = offer[MORE][#offer[MORE]] end
  local kept = high[number] or redis.call('HGET', LENDING, 'high:' .. number)
  if kept then last = tonumber(kept) end
  for i = 1, #ranges, 2 do
    local first, past = ranges[i], ranges[i] + ranges[i + 1]
    if first < last or past > offer[BASE] + offer[SIZE] then return nil, first end
    last = past
  end
  if kept then high[number] = last end
  return true
end

local function add(lot, number, ranges)
  local content = number .. ' ' .. table.concat(ranges, ' ')
  local known = remembered[lot] or redis.call('HGET', DONE, 'lot:' .. lot)
  local units_added = 0
  for i = 2, #ranges, 2 do units_added = units_added + ranges[i] end
  if known then return known == content and { 'replayed', units_added } or { 'key_reused' } end
  if slot.state == 'closed' then return { 'closed' } end
  local offer = offer_of(number)
  if not offer then return { 'unknown_offer', number } end
  if offer[KIND] == 's' then
    local text, wrong = addable_seats(number, offer, ranges)
    if not text then return { 'not_addable', wrong } end
    seats[number] = text
  else
    local fits, wrong = addable_range(number, offer, ranges)
    if not fits then return { 'not_addable', wrong } end
    for i = 1, #ranges, 2 do
      if offer[END] == ranges[i] and #offer[MORE] == 0 then
        offer[END] = ranges[i] + ranges[i + 1]
      else
        offer[MORE][#offer[MORE] + 1] = ranges[i]
        offer[MORE][#offer[MORE] + 1] = ranges[i] + ranges[i + 1]
      end
    end
  end
  offer[RELEASED] = offer[RELEASED] + units_added
  offer[AVAILABLE] = offer[AVAILABLE] + units_added
  came(offer, units_added)
  remembered[lot] = content
  done[#done + 1] = 'lot:' .. lot
  done[#done + 1] = content
  add_fact(slot, 'stocked', number, lot, ranges)
  return { 'added', units_added }
end

local replies = {}
for i, record in ipairs(cmsgpack.unpack(ARGV[2])) do replies[i] = add(unpack(record, 1, 3)) end
write_pairs('HSET', DONE, done)
for number, last in pairs(high) do redis.call('HSET', LENDING, 'high:' .. number, whole(last)) end
write_stock(slot)
return answer(slot, replies)
