-- Units for all lines of one order, or none at all and the reason.
-- `wanted` is a list of { offer, quantity, serials }.
--@include taking
local function allocate(slot, wanted, to)
  local memories, lines, amount, several = {}, {}, 0, #wanted > 1
  for _, line in ipairs(wanted) do
    local number = line[1]
    local offer = offer_of(number)
    -- A line that is refused has taken nothing; only those before it are put back.
    if several then memories[#memories + 1] = remember(number, offer) end
    local serials, why, taken = take(number, offer, line[2], line[3], to)
    if not serials then
      for i = #memories, 1, -1 do restore(memories[i]) end
      if why == 'too_few' then return nil, { why, number, offer[AVAILABLE] } end
      return nil, { why, number, unpack(taken or {}) }
    end
    lines[#lines + 1] = { number, offer[PRICE], serials }
    amount = amount + offer[PRICE] * #serials
  end
  return lines, amount
end

-- Whether some hold of this slot has run out: its units must come back before anyone is refused.
local function something_due(slot)
  if not slot.first_due then
    local first = redis.call('ZRANGE', DUE, 0, 0, 'WITHSCORES')
    slot.first_due = tonumber(first[2] or 0)
  end
  return slot.first_due > 0 and slot.first_due <= slot.now, slot.first_due
end
