-- Allotments: units set aside for a partner, known in unit entries by the allotment's number.
-- The fields of an allotment's record:
local A_ID, A_PARTNER, A_OFFER, A_RANGES, A_EXPORTED, A_UNITS, A_SOLD, A_BACK, A_VOIDED =
  1, 2, 3, 4, 5, 6, 7, 8, 9
local ALLOTMENTS, DONE = KEYS[8], KEYS[9]

local function owner_of_allotment(number)
  return string.format('allotment:%014d', number)
end

local function allotment_of(number)
  local packed = redis.call('HGET', ALLOTMENTS, number)
  return packed and cmsgpack.unpack(packed)
end

local function gather(serials)
  table.sort(serials)
  local ranges = {}
  for _, serial in ipairs(serials) do
    local size = #ranges
    if size > 0 and ranges[size - 1] + ranges[size] == serial then
      ranges[size] = ranges[size] + 1
    else
      ranges[size + 1], ranges[size + 2] = serial, 1
    end
  end
  return ranges
end
