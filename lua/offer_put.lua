#!lua
-- offer_put: put offers on the shelf's list, or bring their texts and windows up to date.
--
-- Why: an offer's kind, serials, drop and price are part of what buyers were told; once the sale
-- has opened only its windows and its rule for broken groups may change.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 seats    hash    offer number → seat string
-- ARGV
--   1 batch    msgpack 1..256 records of [number, venue, kind, drop, price_minor,
--     ends_at_ms, together, redeem_from_ms, redeem_until_ms, codes, base, size, seat string or
--     '']; kind, together and codes are letters, as offers.lua has them
--   2 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per record, in order of precedence; no_slot stands for the whole call
--   no_slot                             this store does not know the sale
--   fixed field                         this field may not change any more
--   updated
--   put
-- COST O(records)
--@include slot
--@include offers
local slot, instead = read_slot(KEYS[1], 0)
if not slot then return instead end
local NAMES = { 'venue', 'kind', 'drop', 'price_minor', 'ends_at_ms', 'together', 'redeem_from_ms',
  'redeem_until_ms', 'codes', 'base', 'size' }
local RULES = { VENUE, KIND, DROP, PRICE, ENDS_AT, TOGETHER, REDEEM_FROM, REDEEM_UNTIL, CODES, BASE,
  SIZE }
local ALWAYS_FIXED = { kind = true, base = true, size = true }
local MAY_CHANGE = { together = true, ends_at_ms = true, redeem_from_ms = true,
  redeem_until_ms = true }

local function refused(known, record)
  for i, name in ipairs(NAMES) do
    local differs = known[RULES[i]] ~= record[i + 1]
    if differs and ALWAYS_FIXED[name] then return { 'fixed', name } end
    -- Before the opening all may change as long as no unit has left the shelf.
    local untouched = slot.state == 'announced' and known[RELEASED] == known[AVAILABLE]
    if differs and not MAY_CHANGE[name] and not untouched then return { 'fixed', name } end
  end
end

local replies, offers, seats = {}, {}, {}
for i, record in ipairs(cmsgpack.unpack(ARGV[1])) do
  local packed = redis.call('HGET', KEYS[2], record[1])
  local offer = packed and offer_unpacked(packed)
  local refusal = offer and refused(offer, record)
  replies[i] = refusal or { offer and 'updated' or 'put' }
  if not refusal then
    if not offer then
      offer = {}
      for field = NEXT, CAME do offer[field] = 0 end
      offer[COLD] = false
      offer[NEXT], offer[END], offer[MORE] = record[11], record[11], {}
      if record[13] ~= '' then
        seats[#seats + 1] = record[1]
        seats[#seats + 1] = record[13]
      end
    end
    offer[MORE] = offer[MORE]   -- all of it is here before a rule changes
    for at, field in ipairs(RULES) do offer[field] = record[at + 1] end
    offers[#offers + 1] = record[1]
    offers[#offers + 1] = offer_packed(offer)
  end
end
if #offers > 0 then redis.call('HSET', KEYS[2], unpack(offers)) end
if #seats > 0 then redis.call('HSET', KEYS[3], unpack(seats)) end
return answer(slot, replies)
