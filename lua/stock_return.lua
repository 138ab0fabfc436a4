#!lua
-- stock_return: give the unsold units of offers back to their venues.
--
-- Why: after the close nothing stays on the shelf; what comes back later (a hold that expires, a
-- refund) is swept by the next call.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
--   4 back     zset    serials of pooled offers that came back
--   5 units    hash    chunk → unit entries
--   6 due      zset    order → end of its hold
--   7 facts    stream  what became true
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 batch    msgpack 1..64 offer numbers
--   3 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per offer, in order of precedence; no_slot and not_closed stand for the whole call
--   no_slot                             this store does not know the sale
--   not_closed state
--   unknown_offer offer
--   more units                          a bounded part went back; call again for the rest
--   returned units
-- COST O(seats of the offers; at most 2,000 units that came back per offer)
--@include taking
local BACKS_MAX = 2000
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
if slot.state ~= 'closed' then return answer(slot, { 'not_closed', slot.state }) end

local function seats_left(number, offer)
  local text, ranges, from = seats_of(number), {}, 1
  while true do
    local first, last = text:find('1+', from)
    if not first then break end
    ranges[#ranges + 1] = offer[BASE] + first - 1
    ranges[#ranges + 1] = last - first + 1
    from = last + 1
  end
  seats[number] = text:gsub('1', '0')
  return ranges
end

local function pooled_left(number, offer)
  local ranges = {}
  if offer[BACKS] > 0 then
    local got = redis.call('ZRANGEBYSCORE', BACK, number, number, 'LIMIT', 0, BACKS_MAX)
    for _, serial in ipairs(got) do
      ranges[#ranges + 1] = tonumber(serial)
      ranges[#ranges + 1] = 1
      back_gone[#back_gone + 1] = serial
    end
    offer[BACKS] = offer[BACKS] - #got
  end
  local from, to = offer[NEXT], offer[END]
  offer[NEXT] = offer[END]
  while from do
    if to > from then
      ranges[#ranges + 1] = from
      ranges[#ranges + 1] = to - from
    end
    from, to = table.remove(offer[MORE], 1), table.remove(offer[MORE], 1)
  end
  return ranges
end

local replies = {}
for i, number in ipairs(cmsgpack.unpack(ARGV[2])) do
  local offer = offer_of(number)
  if not offer then
    replies[i] = { 'unknown_offer', number }
  else
    local ranges = offer[KIND] == 's' and seats_left(number, offer) or pooled_left(number, offer)
    local count = 0
    for at = 2, #ranges, 2 do count = count + ranges[at] end
    if count > 0 then
      offer[AVAILABLE], offer[RETURNED] = offer[AVAILABLE] - count, offer[RETURNED] + count
      add_fact(slot, 'returned', number, ranges)
    end
    replies[i] = { offer[AVAILABLE] > 0 and 'more' or 'returned', count }
  end
end
write_stock(slot)
return answer(slot, replies)
