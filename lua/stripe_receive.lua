#!lua
-- stripe_receive: put the units of a transfer on this stripe's shelf, once.
--
-- Why: the second of three steps. Transfers of one lender have rising names and come one at a time,
-- so the latest name is all that must be remembered to know a repeat, however late it comes.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
--   4 back     zset    serials of pooled offers that came back
--   5 units    hash    chunk → unit entries
--   6 due      zset    order → end of its hold
--   7 facts    stream  what became true
--   8 lending  hash    open transfers, latest transfers, units moving
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 lender   integer 0..15, the other stripe
--   3 transfer msgpack [epoch, fact, offer, ranges, backs] as the lender packed it
--   4 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   replayed
--   unknown_offer offer                 not published here yet; the transfer stays open
--   received units
-- COST O(units that came back, at most 500; ranges, at most 16)
--@include giving
--@include lending
local SINGLES_BELOW = 8   -- a shorter range is kept as single units: ranges are read by every hold
local slot, instead = read_slot(SALE, ARGV[1])
if not slot then return instead end
local lender, transfer = ARGV[2], cmsgpack.unpack(ARGV[3])
local epoch, fact, number, ranges, backs = unpack(transfer, 1, 5)
local field = 'in:' .. lender
local latest = redis.call('HGET', LENDING, field)
if latest then
  latest = cmsgpack.unpack(latest)
  local is_newer = epoch > latest[1] or (epoch == latest[1] and fact > latest[2])
  if not is_newer then return answer(slot, { 'replayed' }) end
end
local offer = offer_of(number)
if not offer then return answer(slot, { 'unknown_offer', number }) end
keep_high(number, offer)

local units_received = #backs
local function put_single(serial, generation)
  local _, known = unit_get(serial)
  if known ~= generation then unit_set(serial, '-', generation, NOBODY) end
  back_add[#back_add + 1] = number
  back_add[#back_add + 1] = serial
  offer[BACKS] = offer[BACKS] + 1
end
for _, back in ipairs(backs) do put_single(back[1], back[2]) end
for i = 1, #ranges, 2 do
  local first, past = ranges[i], ranges[i] + ranges[i + 1]
  units_received = units_received + ranges[i + 1]
  if past - first < SINGLES_BELOW then
    for serial = first, past - 1 do put_single(serial, 0) end
  elseif offer[NEXT] == offer[END] then
    offer[NEXT], offer[END] = first, past
  else
    offer[MORE][#offer[MORE] + 1] = first
    offer[MORE][#offer[MORE] + 1] = past
  end
end
offer[AVAILABLE] = offer[AVAILABLE] + units_received
came(offer, units_received)
add_fact(slot, 'received', number, tonumber(lender), epoch, fact, ranges, backs)
redis.call('HSET', LENDING, field, cmsgpack.pack({ epoch, fact }))
redis.call('HINCRBY', LENDING, 'm:' .. number, -units_received)
write_stock(slot)
return answer(slot, { 'received', units_received })
