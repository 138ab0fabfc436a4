-- Lines of units that nobody ever had, next in line of a pooled offer: what most ask for is taken from
-- them without a table, and the offer and its units learn of it all at once.
local numbers, lines = {}, {}   -- place among those asked for → offer, → its line, false for none
local amounts, prices = {}, {}  -- price → it as an amount, → as what stands before one serial

-- A line: heads of holds and of sales, where their 256 serials begin and end, the next unit, the end
-- of the line, units held, the first unit, number, price; the offer's record, where in it lies what is
-- past the counters, end, available, held and sold; then the orders that own the units.
local LINE_HIGH, LINE_RUN, LINE_NEXT, LINE_PAST, LINE_HOLDS, LINE_FIRST, LINE_NUMBER, LINE_PRICE,
  LINE_RECORD, LINE_AT, LINE_END, LINE_AVAILABLE, LINE_HELD, LINE_SOLD, LINE_OWNERS =
  3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
local COUNTERS, COUNTERS_BYTES = '>I4I4i4i4i4', 24   -- next to sold; backs, which stays, behind them

-- A line of an offer, from what was read of its units; false where there is none.
local function line_of(number, record)
  if record and not sale_refuses then
    local _, kind, drop, price, ends_at, first, past, available, held, sold, backs, at =
      split(HOT_FORM, record)
    if kind ~= 's' and backs <= 0 and (drop == slot.drop or (drop < slot.drop and slot.carry))
      and (ends_at == 0 or now < ends_at) then
      local to = first + available < past and first + available or past
      -- The last four make room for owners, as many as in most batches.
      return { false, false, 0, 0, first, to, 0, first, number, price, record, at, past, available,
        held, sold, nil, nil, nil, nil }
    end
  end
  offers_read[number] = record
  return false
end

-- A line goes on with the 256 serials that this one is of.
local function line_on(line, first)
  local high = first - first % 256
  line[1], line[2], line[LINE_HIGH], line[LINE_RUN] = false, false, high, high + 256
end

-- A line ends where its units were not read, or somebody had one of them.
local function end_line(line)
  local fresh, past = line[LINE_NEXT], line[LINE_PAST]
  local place = fresh % CHUNK
  local chunk = (fresh - place) / CHUNK
  local text = unit_chunks[chunk]
  while fresh < past and text and #text <= place * ENTRY do
    chunk = chunk + 1
    place, fresh, text = 0, chunk * CHUNK, unit_chunks[chunk]
  end
  if fresh < past then line[LINE_PAST] = fresh end
end

-- The line that an offer has after an order was looked at more closely.
local function line_again(which)
  local number = numbers[which]
  local offer = number and offers[number]
  if offer then   -- it was taken apart for an order before
    local packed = offer_packed(offer)
    if packed ~= offers_read[number] then
      offers_read[number], offers_moved[number] = packed, packed
    end
    offers[number] = nil
  end
  local line = number and line_of(number, offers_read[number]) or false
  if line then end_line(line) end
  lines[which] = line
  return line
end

-- What lies between the id of an order for one unit and the last byte of its serial.
local function line_head(line, step)
  local number, price = line[LINE_NUMBER], line[LINE_PRICE]
  local amount = amounts[price]
  if not amount then
    amount = pack('>BI8', 207, price)
    amounts[price], prices[price] = amount, cmsgpack.pack(price) .. '\145\206'
  end
  local head = DROP_NOW .. amount .. ENDS[step] .. '\145\147'
    .. (number < 128 and char(number) or cmsgpack.pack(number)) .. prices[price]
    .. pack('>I3', line[LINE_HIGH] / 256)
  line[step + 1] = head
  return head
end

-- What lies between the id of an order for several units next in line and what is kept.
local function line_units(line, quantity, step)
  local serials, first, price = {}, line[LINE_NEXT] - quantity, line[LINE_PRICE]
  for i = 1, quantity do serials[i] = pack('>BI4', 206, first + i - 1) end
  return DROP_NOW .. pack('>BI8', 207, price * quantity) .. ENDS[step] .. '\145\147'
    .. cmsgpack.pack(line[LINE_NUMBER], price) .. array_head(quantity) .. table.concat(serials)
end

-- Units that a line has given its orders, and the offer's record behind that. The line goes on there.
local function settle_line(line)
  local first, past = line[LINE_FIRST], line[LINE_NEXT]
  local at, held, taken, record = line[LINE_AT], line[LINE_HOLDS], past - first, line[LINE_RECORD]
  local left = line[LINE_AVAILABLE] - taken
  local held_now, sold_now = line[LINE_HELD] + held, line[LINE_SOLD] + taken - held
  if held == 0 then
    units_append(first, past, line, LINE_OWNERS)
  elseif held < taken then
    for serial = first, past - 1 do
      local owner = line[LINE_OWNERS + serial - first]
      if owner then unit_edit(serial, 's0' .. owner) end
    end
  end
  record = sub(record, 1, at - COUNTERS_BYTES - 1)
    .. pack(COUNTERS, past, line[LINE_END], left, held_now, sold_now) .. sub(record, at - 4)
  if careful then
    line[LINE_FIRST], line[LINE_RECORD], line[LINE_HOLDS] = past, record, 0
    line[LINE_AVAILABLE], line[LINE_HELD], line[LINE_SOLD] = left, held_now, sold_now
    for at = LINE_OWNERS, LINE_OWNERS + taken - 1 do line[at] = nil end
  end
  return record
end

-- Offers and units as the lines have left them.
local function settle_lines()
  for _, line in pairs(lines) do
    if line and line[LINE_NEXT] > line[LINE_FIRST] then
      local number, record = line[LINE_NUMBER], settle_line(line)
      if careful then
        offers_read[number], offers_moved[number], offers[number] = record, record, nil
      else
        local last = #offers_flat
        offers_flat[last + 1], offers_flat[last + 2] = number, record
      end
    end
  end
end
