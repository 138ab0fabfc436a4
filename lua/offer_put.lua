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
--   1 batch    msgpack 1..256 records of [number, kind, drop, price_minor, venue, together,
--     ends_at_ms, redeem_from_ms, redeem_until_ms, codes, base, size, seat string or '']
--   2 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one list per record, in order of precedence; no_slot stands for the whole call
--   no_slot                             this store does not know the sale
--   fixed field                         this field may not change any more
--   updated
--   put
-- COST O(records)
--@include slot
local slot, instead = read_slot(KEYS[1], 0)
if not slot then return instead end
local NAMES = { 'kind', 'drop', 'price_minor', 'venue', 'together', 'ends_at_ms', 'redeem_from_ms',
  'redeem_until_ms', 'codes', 'base', 'size' }
local ALWAYS_FIXED = { kind = true, base = true, size = true }
local MAY_CHANGE = { together = true, ends_at_ms = true, redeem_from_ms = true,
  redeem_until_ms = true }
local LAST_RULE, NEXT, END, RELEASED, BACKS, MORE = 11, 12, 13, 14, 22, 23

local function refused(known, record)
  for i, name in ipairs(NAMES) do
    local differs = known[i] ~= record[i + 1]
    if differs and ALWAYS_FIXED[name] then return { 'fixed', name } end
    -- Before the opening all may change as long as no unit has left the shelf.
    local untouched = slot.state == 'announced' and known[RELEASED] == known[RELEASED + 1]
    if differs and not MAY_CHANGE[name] and not untouched then return { 'fixed', name } end
  end
end

local replies, offers, seats = {}, {}, {}
for i, record in ipairs(cmsgpack.unpack(ARGV[1])) do
  local packed = redis.call('HGET', KEYS[2], record[1])
  local offer = packed and cmsgpack.unpack(packed)
  local refusal = offer and refused(offer, record)
  replies[i] = refusal or { offer and 'updated' or 'put' }
  if not refusal then
    if not offer then
      offer = {}
      for field = RELEASED, BACKS do offer[field] = 0 end
      offer[NEXT], offer[END], offer[MORE] = record[11], record[11], {}
      if record[13] ~= '' then
        seats[#seats + 1] = record[1]
        seats[#seats + 1] = record[13]
      end
    end
    for field = 1, LAST_RULE do offer[field] = record[field + 1] end
    offers[#offers + 1] = record[1]
    offers[#offers + 1] = cmsgpack.pack(offer)
  end
end
if #offers > 0 then redis.call('HSET', KEYS[2], unpack(offers)) end
if #seats > 0 then redis.call('HSET', KEYS[3], unpack(seats)) end
return answer(slot, replies)
