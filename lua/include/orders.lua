-- Buyers' buckets in memory: orders, counts and passes.
-- An order's record is an array as its first fact is (inventory/facts.py, Held): its state in four
-- letters, the number of its last fact, when it was made, id, drop, amount, end of its hold, lines,
-- buyer, seller, reference, payment, fingerprint, pass; up to the lines of fixed width. A 15th
-- element is there when needed: what is counted for the buyer, what went back, the refunds.
-- States: held, sold, free (released), late (expired), part, back (refunded), owed.
-- A buyer's field in the bucket is the buyer's tag, ten symbols that are in the ids of his orders
-- too; it has the record of his first order, which says what is counted as well: '2 pass pass ', or
-- '' for what that order alone makes of it. His further orders have fields by their ids, and so has
-- what another buyer of the same tag has: its count is in 'b:' with the buyer.
local ORDER_HEAD, LINES_AT = '>xxc4xI8xI8xc24xI2xI8xI8', 71
local ORDER_FORM = '>c4BI8BI8Bc24BI2BI8BI8'
local STATE, LAST_FACT, HELD_AT, ORDER_ID, ORDER_DROP, AMOUNT, EXPIRES_AT, LINES, BUYER, SELLER,
  REFERENCE, PAYMENT, FINGERPRINT, PASS, COUNTED, REFUNDED, REFUNDS, LINES_PACKED, WHO_PACKED,
  LAST_PACKED, FIELD =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
local fields = {}                    -- bucket key → field → value, false where there is none
local orders = {}                    -- order → its record taken apart

local function field_of(key, name)
  local known = fields[key]
  if not known then
    known = {}
    fields[key] = known
  end
  if known[name] == nil then known[name] = redis.call('HGET', key, name) end
  return known[name]
end

-- A record taken apart. The pieces that nothing changes stay packed too.
local function order_unpacked(record, field)
  local state, fact, held_at, id, drop, amount, expires_at = struct.unpack(ORDER_HEAD, record)
  local next_of, some_of, first = cmsgpack.unpack_one, cmsgpack.unpack_limit, LINES_AT - 1
  local after_lines, after_who, after_payment, after_pass
  local lines, buyer, seller, reference, payment, fingerprint, pass
  after_lines, lines = next_of(record, first)
  after_who, buyer, seller, reference = some_of(record, 3, after_lines)
  after_payment, payment = next_of(record, after_who)
  after_pass, fingerprint, pass = some_of(record, 2, after_payment)
  local more = { '', 0, {} }
  if after_pass >= 0 then more = cmsgpack.unpack(sub(record, after_pass + 1)) end
  return { state, fact, held_at, id, drop, amount, expires_at, lines, buyer, seller, reference,
    payment, fingerprint, pass, more[1], more[2], more[3], sub(record, LINES_AT, after_lines),
    sub(record, after_lines + 1, after_who), sub(record, after_payment + 1, after_pass), field }
end

local function id_in(record)
  return sub(record, 26, 49)
end

-- An order, or nil where there is none.
local function order_of(key, id)
  if orders[id] then return orders[id] end
  local field = sub(id, 7, 16)
  local record = field_of(key, field)
  if not record then return nil end
  if id_in(record) ~= id then
    field, record = id, field_of(key, id)
    if not record then return nil end
  end
  orders[id] = order_unpacked(record, field)
  return orders[id]
end

local function is_first(order)
  return #order[FIELD] == 10
end

-- What an order alone makes of its buyer's count and passes.
local function counted_alone(order)
  local units, pass = 0, order[PASS]
  if order[STATE] == 'held' or order[STATE] == 'sold' then
    for _, line in ipairs(order[LINES]) do units = units + #line[3] end
  end
  return whole(units) .. (pass == '' and '' or ' ' .. pass .. ' ')
end

-- The buyer's first order when its record has his count, and the count with his passes.
local function counted_of(key, buyer)
  local record = field_of(key, sub(buyer, 1, 10))
  if not record then return nil, '0' end
  local first = order_of(key, id_in(record))
  if first[BUYER] ~= buyer then return nil, field_of(key, 'b:' .. buyer) or '0' end
  if first[COUNTED] == '' then first[COUNTED] = counted_alone(first) end
  return first, first[COUNTED]
end

-- Units that are counted, and the passes that are spent as they are written.
local function split_count(counted)
  local count = tonumber(counted)
  if count then return count, '' end
  local passes = counted:find(' ', 1, true)
  return tonumber(sub(counted, 1, passes - 1)), sub(counted, passes)
end

-- Lines as they are kept. Every serial has four bytes, so that a run of them can be joined.
local function pack_lines(lines)
  local parts = { array_head(#lines) }
  for _, line in ipairs(lines) do
    parts[#parts + 1] = '\147' .. cmsgpack.pack(line[1], line[2]) .. array_head(#line[3])
    for _, serial in ipairs(line[3]) do parts[#parts + 1] = struct.pack('>BI4', 206, serial) end
  end
  return table.concat(parts)
end

-- An order's record from its parts.
local function order_packed(order)
  local counted, size, more = order[COUNTED], '\158\164', ''
  if counted ~= '' and counted == counted_alone(order) then counted = '' end
  if counted ~= '' or #order[REFUNDS] > 0 then
    size, more = '\159\164', cmsgpack.pack({ counted, order[REFUNDED], order[REFUNDS] })
  end
  return size .. struct.pack(ORDER_FORM, order[STATE], 207, order[LAST_FACT], 207, order[HELD_AT],
      184, order[ORDER_ID], 205, order[ORDER_DROP], 207, order[AMOUNT], 207, order[EXPIRES_AT])
    .. order[LINES_PACKED] .. order[WHO_PACKED] .. cmsgpack.pack(order[PAYMENT])
    .. order[LAST_PACKED] .. more
end

-- One unit becomes sold, and its mark then. It keeps the generation that its last return left.
local function unit_sold(id, serial)
  local place = serial % CHUNK
  local number = (serial - place) / CHUNK
  local text, edits = unit_chunks[number], unit_edits[number]
  if edits and text and place > edits.high and place * ENTRY >= #text then   -- never sold before
    edits[place], edits.high = 's0' .. id, place
    return 's0'
  end
  local entry, mark = unit_entry(serial), 's0'
  if entry ~= BLANK then
    assert(entry:byte(1) == 45, 'unit ' .. serial .. ' is ' .. entry .. ' and was to be sold')
    mark = 's' .. entry:sub(2, 2)
  end
  unit_edit(serial, mark .. id)
  return mark
end

-- The mark of every unit of an order, in the order of its lines: state and generation, and '-' for
-- the state of a unit that is no longer this order's.
local function unit_marks(id, lines)
  local marks = {}
  for _, line in ipairs(lines) do
    for _, serial in ipairs(line[3]) do
      local entry = unit_entry(serial)
      marks[#marks + 1] = entry:sub(3) == id and entry:sub(1, 2) or '-' .. entry:sub(2, 2)
    end
  end
  return table.concat(marks)
end

-- Every unit of an order becomes sold, and their marks then.
local function units_sold(id, lines)
  local marks = {}
  for i = 1, #lines do
    local serials = lines[i][3]
    for at = 1, #serials do marks[#marks + 1] = unit_sold(id, serials[at]) end
  end
  return table.concat(marks)
end
