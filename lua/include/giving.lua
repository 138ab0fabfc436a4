-- Units that come on the shelf, back or for the first time.
--@include taking

-- Every unit that comes on the shelf is counted, for ever: who looks twice and finds the same number
-- knows that none came between.
local function came(offer, units)
  offer[CAME] = offer[CAME] + units
end

-- Units of one line back on the shelf, counted out of `from`.
local function give(number, offer, serials, from)
  if offer[KIND] == 's' then
    mark(number, offer, serials, '1')
  else
    for _, serial in ipairs(serials) do
      back_add[#back_add + 1] = number
      back_add[#back_add + 1] = serial
    end
    offer[BACKS] = offer[BACKS] + #serials
  end
  offer[AVAILABLE] = offer[AVAILABLE] + #serials
  offer[from] = offer[from] - #serials
  came(offer, #serials)
end
