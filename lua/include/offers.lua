-- Offers' records, of fixed width but for the venue and the further ranges: a call reads and writes
-- one for each offer it touches, and msgpack cost it three times as much. What nearly every call
-- needs comes first; the rest stays packed until somebody asks for a field of it.
local HOT_FORM, COLD_FORM = '>Bc0c1I2I8I8I4I4i4i4i4i4', '>c1I8I8c1I4I4i4i4i4i4i4i8'
-- kind: p pooled, s seated; together: s split, r refuse; codes: m minted, o outside. Rules: venue,
-- kind, drop, price, end, and together to size. All others say what is left and where.
local VENUE, KIND, DROP, PRICE, ENDS_AT, NEXT, END, AVAILABLE, HELD, SOLD, BACKS, COLD,
  TOGETHER, REDEEM_FROM, REDEEM_UNTIL, CODES, BASE, SIZE, RELEASED, ALLOTTED, REDEEMED, VOIDED,
  RETURNED, CAME, MORE =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25

local function unpack_cold(offer, field)
  local cold = offer[COLD]
  if not cold then return nil end
  offer[COLD] = false
  local values, more = { struct.unpack(COLD_FORM, cold) }, {}
  local at = table.remove(values)
  for i = 1, #values do offer[COLD + i] = values[i] end
  while at <= #cold do more[#more + 1], at = struct.unpack('>I4', cold, at) end
  offer[MORE] = more
  return offer[field]
end

local lazy = { __index = unpack_cold }

local function offer_unpacked(packed)
  local offer = { struct.unpack(HOT_FORM, packed) }
  offer[COLD] = packed:sub(offer[COLD])
  return setmetatable(offer, lazy)
end

local function offer_packed(offer)
  local hot, cold = struct.pack(HOT_FORM, #offer[VENUE], unpack(offer, 1, BACKS)), offer[COLD]
  if cold then return hot .. cold end
  local more = offer[MORE]
  cold = struct.pack(COLD_FORM, unpack(offer, TOGETHER, CAME))
  return hot .. cold .. struct.pack('>' .. string.rep('I4', #more), unpack(more))
end
