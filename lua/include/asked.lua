-- The records of order_hold, read from their joined form; its header says what each holds.
local RECORD, LINE = '>I2c24c26BI8I2Bc0I2c0I2c0Bc0BI2BB', '>I2BB'
local BUCKET, ORDER, FIELD, ONE_STEP, PASS_ENDS, PASS_DROP, PASS_ID, WHO, REST, PRINT, COUNT,
  OFFER, QUANTITY, NAMED, WANTED = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15

-- The lines as a list of { offer, quantity, serials }, and where the next record begins.
local function read_lines(record, batch)
  local lines, offer, quantity, named, at =
    {}, record[OFFER], record[QUANTITY], record[NAMED], record[WANTED]
  for i = 1, record[COUNT] do
    if i > 1 then offer, quantity, named, at = struct.unpack(LINE, batch, at) end
    local serials = {}
    if named > 0 then
      serials = { struct.unpack('>' .. string.rep('I4', named), batch, at) }
      at = table.remove(serials)
    end
    lines[i] = { offer, quantity, serials }
  end
  return lines, at
end

-- All records, with what they need of buckets, offers and the units that are next in line: read
-- with one call for each key. WANTED becomes the list of lines, or false for a single line without
-- serials, by far the most usual; BUCKET becomes the bucket's key.
local function read_asked(batch)
  local split = struct.unpack
  local records, names_of, numbers, units_asked = {}, {}, {}, {}
  local at, past, count = 1, #batch, 0
  while at <= past do
    local record = { split(RECORD, batch, at) }
    local key, number = KEYS[record[BUCKET]], record[OFFER]
    if record[NAMED] > 0 or record[COUNT] > 1 then
      record[WANTED], at = read_lines(record, batch)
    else
      record[WANTED], at = false, record[WANTED]
      local asked = units_asked[number]
      if not asked then numbers[#numbers + 1] = number end
      units_asked[number] = (asked or 0) + record[QUANTITY]
    end
    record[BUCKET] = key
    local names = names_of[key]
    if names then
      local last = #names
      names[last + 1], names[last + 2] = record[ORDER], record[FIELD]
    else
      names_of[key] = { record[ORDER], record[FIELD] }
    end
    count = count + 1
    records[count] = record
  end
  buckets_fetch(names_of)
  offers_fetch(numbers)
  units_fetch(units_in_line(numbers, units_asked))
  return records
end
