-- Lines of units that nobody ever had, next in line of a pooled offer: what most ask for is taken from
-- them without a table, and the offer and its units learn of it all at once.
local ready, ready_lines = {}, {}   -- offer → its line, false where units must be looked for; all lines

-- A line: the next unit and the one past the last, what heads of records are for (256 serials share
-- one), heads of holds and of sales, units held, the first unit, the orders that own those sold,
-- the price; the offer's record, where in it lies what is past the counters, end, available, held
-- and sold, number.
local LINE_NEXT, LINE_PAST, LINE_HIGH, LINE_HEADS, LINE_HOLDS, LINE_FIRST, LINE_OWNERS, LINE_PRICE,
  LINE_RECORD, LINE_AT, LINE_END, LINE_AVAILABLE, LINE_HELD, LINE_SOLD,
  LINE_NUMBER =
  1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
local COUNTERS, COUNTERS_BYTES = '>I4I4i4i4i4', 24   -- next to sold; backs, which stays, behind them

-- A line of an offer, from what was read of its units; false where there is none.
local function line_of(number)
  local offer, line = offers[number], false
  if offer then   -- it was taken apart for an order before
    local packed = offer_packed(offer)
    if packed ~= offers_read[number] then
      offers_read[number], offers_moved[number] = packed, packed
    end
    offers[number] = nil
  end
  local record = offers_read[number]
  if record and not sale_refuses then
    local _, kind, drop, price, ends_at, first, past, available, held, sold, backs, at =
      split(HOT_FORM, record)
    if kind ~= 's' and backs <= 0 and (drop == slot.drop or (drop < slot.drop and slot.carry))
      and (ends_at == 0 or now < ends_at) then
      local owners = { nil, nil, nil, nil }   -- which makes room for four, as in most batches
      line = { first, past, first - first % 256, false, false, 0, first, owners, price, record, at,
        past, available, held, sold, number }
      if first + available < past then line[LINE_PAST] = first + available end
      ready_lines[#ready_lines + 1] = line
    end
  end
  ready[number] = line
  return line
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
local function line_again(number)
  local line = line_of(number)
  if line then end_line(line) end
  return line
end

-- What lies between the id of an order for one unit and the last byte of its serial.
local function line_head(line, number, step)
  local price = line[LINE_PRICE]
  local head = DROP_NOW .. pack('>BI8', 207, price) .. ENDS[step] .. '\145\147'
    .. cmsgpack.pack(number, price) .. '\145\206' .. sub(pack('>I4', line[LINE_HIGH]), 1, 3)
  line[LINE_HEADS + step] = head
  return head
end

-- What lies between the id of an order for several units next in line and what is kept.
local function line_units(line, number, quantity, step)
  local serials, first, price = {}, line[LINE_NEXT] - quantity, line[LINE_PRICE]
  for i = 1, quantity do serials[i] = pack('>BI4', 206, first + i - 1) end
  return DROP_NOW .. pack('>BI8', 207, price * quantity) .. ENDS[step] .. '\145\147'
    .. cmsgpack.pack(number, price) .. array_head(quantity) .. table.concat(serials)
end

-- Offers and units as the lines have left them, who go on from there unless this is the end.
local function settle_lines()
  for i = 1, #ready_lines do
    local line = ready_lines[i]
    local first, past = line[LINE_FIRST], line[LINE_NEXT]
    if past > first then
      local owners, at, number = line[LINE_OWNERS], line[LINE_AT], line[LINE_NUMBER]
      local held, taken, record = line[LINE_HOLDS], past - first, line[LINE_RECORD]
      local left = line[LINE_AVAILABLE] - taken
      local held_now, sold_now = line[LINE_HELD] + held, line[LINE_SOLD] + taken - held
      record = sub(record, 1, at - COUNTERS_BYTES - 1)
        .. pack(COUNTERS, past, line[LINE_END], left, held_now, sold_now) .. sub(record, at - 4)
      if held == 0 then
        units_append(first, past, owners)
      elseif held < taken then
        for serial = first, past - 1 do
          local owner = owners[serial - first + 1]
          if owner then unit_edit(serial, 's0' .. owner) end
        end
      end
      if careful then
        offers_read[number], offers_moved[number], offers[number] = record, record, nil
        line[LINE_FIRST], line[LINE_OWNERS], line[LINE_RECORD] = past, {}, record
        line[LINE_HOLDS], line[LINE_AVAILABLE] = 0, left
        line[LINE_HELD], line[LINE_SOLD] = held_now, sold_now
      else
        local last = #offers_flat
        offers_flat[last + 1], offers_flat[last + 2] = number, record
      end
    end
  end
end
