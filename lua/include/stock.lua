-- Offers and their units in memory: what a call took and gave, written at its end.
--@include slot
local SALE, OFFERS, SEATS, BACK, UNITS, DUE, FACTS = unpack(KEYS, 1, 7)
--@include offers
--@include units
local offers, seats = {}, {}              -- offer number → record, → seat string
local offers_read, seats_read = {}, {}    -- both as they were read
local offers_moved, offers_flat = {}, {}  -- offer → its record, to be written; both, side by side
local back_read, back_add, back_gone = {}, {}, {}

local function offers_fetch(numbers)
  if #numbers == 0 then return end
  local got = redis.call('HMGET', OFFERS, unpack(numbers))
  for i = 1, #numbers do offers_read[numbers[i]] = got[i] end
end

local function offer_of(number)
  local offer = offers[number]
  if offer == nil then
    if offers_read[number] == nil then offers_fetch({ number }) end
    offer = offers_read[number] and offer_unpacked(offers_read[number])
    offers[number] = offer
  end
  return offer
end

local function write_stock(slot)
  local flat = offers_flat
  for number, offer in pairs(offers) do
    local packed = offer and offer_packed(offer)
    if packed ~= offers_read[number] or offers_moved[number] then
      offers_moved[number] = packed
    end
  end
  for number, packed in pairs(offers_moved) do
    local last = #flat
    flat[last + 1], flat[last + 2] = number, packed
  end
  write_pairs('HSET', OFFERS, flat)
  flat = {}
  for number, text in pairs(seats) do
    if text ~= seats_read[number] then
      flat[#flat + 1] = number
      flat[#flat + 1] = text
    end
  end
  write_pairs('HSET', SEATS, flat)
  for first = 1, #back_gone, WRITE_PAIRS do
    redis.call('ZREM', BACK, unpack(back_gone, first, math.min(first + WRITE_PAIRS - 1, #back_gone)))
  end
  write_pairs('ZADD', BACK, back_add)
  write_units()
  write_facts(slot, SALE, FACTS)
end
