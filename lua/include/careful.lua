-- An order that is not the usual, decided step by step in the order of precedence.
local offer_refuses = {}   -- offer → whether and why it cannot be bought now, the same for all
for _, line in pairs(lines) do
  if line then offers_read[line[LINE_NUMBER]] = line[LINE_RECORD] end
end

local function refused_by_offer(number)
  local offer = offer_of(number)
  if not offer then return 'unknown_offer ' .. number end
  if offer[DROP] > slot.drop then
    return 'offer_not_open ' .. number .. ' ' .. whole(slot.drops[offer[DROP]] or 0)
  end
  local over = offer[ENDS_AT] > 0 and slot.now >= offer[ENDS_AT]
  return (over or (offer[DROP] < slot.drop and not slot.carry)) and 'offer_closed ' .. number
end

-- What lies between the order's id and what is kept, and the marks of what was taken; or nil and
-- the refusal.
local function taken(order, step, wanted)
  local lines, amount = allocate(slot, wanted, step == 1 and SOLD or HELD)
  if not lines then
    local some_due, first_due = something_due(slot)
    if some_due then return nil, 'due' end
    if amount[1] == 'all_held' then amount[3] = whole(first_due) end
    return nil, table.concat(amount, ' ')
  end
  return DROP_NOW .. pack('>BI8', 207, amount) .. ENDS[step] .. pack_lines(lines),
    step == 1 and units_sold(order, lines) or unit_marks(order, lines)
end

-- The order's record, and it is kept where an order of this buyer belongs.
local function write(key, place, order, record, buyer, counted)
  local tag = names[place]
  if fields[key][tag] then
    field_set(key, order, record)
    count_set(key, buyer, counted)
  else
    field_set(key, tag, record)
  end
  has[place], known[place] = fields[key][tag], true
end

-- What the order's offers say, or nil and how many units are asked for.
local function refused_by_lines(wanted)
  local quantity = 0
  for _, line in ipairs(wanted) do
    local number = line[1]
    if offer_refuses[number] == nil then offer_refuses[number] = refused_by_offer(number) end
    if offer_refuses[number] then return offer_refuses[number] end
    quantity = quantity + line[2]
  end
  return nil, quantity
end

local function refused_by_pass(passes, pass, ends, drop)
  if passes:find(' ' .. pass .. ' ', 1, true) then return 'pass_spent' end
  if now >= ends then return 'pass_expired' end
  return drop ~= slot.drop and 'pass_of_another_drop'
end

-- The lines of an order that has several, or names its units, as { offer, quantity, serials }; and
-- where the next record begins.
split_lines = function(batch, at)
  local count, lines = batch:byte(at), {}
  at = at + 1
  for i = 1, count do
    local offer, quantity, named
    offer, quantity, named, at = struct.unpack('>HBB', batch, at)
    local serials = {}
    if named > 0 then
      serials = { struct.unpack('>' .. string.rep('I4', named), batch, at) }
      at = table.remove(serials)
    end
    lines[i] = { offer, quantity, serials }
  end
  return lines, at
end

careful = function(place, step, number, quantity, order, kept, ends, drop, pass, wanted)
  settle_lines()
  local key, tag = KEYS[bucket_of(place) + 7], names[place]
  local record, buyer, count, passes = has[place], sub(kept, 2, 25), 0, ''
  fields[key] = fields[key] or {}
  fields[key][tag] = record ~= tag and record
  if record ~= tag then
    local stands = order_of(key, order)
    if stands then
      local _, _, _, _, fingerprint = cmsgpack.unpack(kept)
      if stands[FINGERPRINT] ~= fingerprint then return 'key_reused' end
      replayed[#replayed + 1] = fields[key][stands[FIELD]]
      return 'replayed ' .. unit_marks(order, stands[LINES])
    end
    local _, counted = counted_of(key, buyer)
    count, passes = split_count(counted)
  end
  if sale_refuses then return sale_refuses end
  wanted = wanted or { { number, quantity, {} } }
  local refusal = pass and refused_by_pass(passes, pass, ends, drop)
  if refusal then return refusal end
  refusal, quantity = refused_by_lines(wanted)
  if refusal then return refusal end
  if count + quantity > limit then return 'limit_reached ' .. limit .. ' ' .. count end
  local parts, marks = taken(order, step, wanted)
  if not parts then return marks end

  lines = {}   -- what was taken here they have not seen
  fact, made = fact + 1, made + 1
  local low = fact - fact_high
  if low > 255 then low = pack_high() end
  record = heads[step] .. char(low) .. AT_ORDER .. order .. parts .. kept
  facts[made] = record
  if step == 0 then
    new_due[#new_due + 1] = now + slot.hold_ms
    new_due[#new_due + 1] = order
  end
  local counted = whole(count + quantity) .. (pass and (passes == '' and ' ' or passes) .. pass .. ' ' or passes)
  write(key, place, order, record, buyer, counted)
  return KINDS[step] .. ' ' .. marks
end

write_careful = write_buckets
