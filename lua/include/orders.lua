-- Buyers' buckets in memory: orders, counts and passes.
-- A bucket has two kinds of fields: an order's id → its record, and 'b:' with a buyer → the units
-- that are counted and the passes that are spent, as '2' or '2 pass pass '.
-- An order's record is a head of fixed width, then an array with what was asked for, so that both
-- are joined from pieces that came packed. States: h held, c confirmed, r released, e expired,
-- p partly_refunded, f refunded, u paid_unfulfilled.
local ORDER_HEAD, ORDER_HEAD_BYTES = '>c1I8I8I8I8I2', 35
local STATE, LAST_FACT, HELD_AT, EXPIRES_AT, AMOUNT, ORDER_DROP, LINES, BUYER, SELLER, REFERENCE,
  PAYMENT, FINGERPRINT, PASS, REFUNDED, REFUNDS, LINES_PACKED, WHO_PACKED, LAST_PACKED =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18
local SEVEN, NINE = '\151', '\153'   -- the heads of the array, without and with refunds
local fields = {}                    -- field → value, false where there is none
local orders = {}                    -- order → its record taken apart

local function field_of(key, name)
  if fields[name] == nil then fields[name] = redis.call('HGET', key, name) end
  return fields[name]
end

-- An order's record taken apart. The pieces that nothing changes stay packed too.
local function order_of(key, id)
  if orders[id] then return orders[id] end
  local record = field_of(key, id)
  if not record then return nil end
  local state, fact, held_at, expires_at, amount, drop = struct.unpack(ORDER_HEAD, record)
  local next_of, some_of, first = cmsgpack.unpack_one, cmsgpack.unpack_limit, ORDER_HEAD_BYTES + 1
  local after_lines, after_who, after_payment, after_pass
  local at, lines, buyer, seller, reference, payment, fingerprint, pass
  after_lines, lines = next_of(record, first)
  after_who, buyer, seller, reference = some_of(record, 3, after_lines)
  after_payment, payment = next_of(record, after_who)
  after_pass, fingerprint, pass = some_of(record, 2, after_payment)
  local refunded, refunds = 0, {}
  if after_pass >= 0 then
    at, refunded = next_of(record, after_pass)
    at, refunds = next_of(record, at)
  end
  local order = { state, fact, held_at, expires_at, amount, drop, lines, buyer, seller, reference,
    payment, fingerprint, pass, refunded, refunds, record:sub(first + 1, after_lines),
    record:sub(after_lines + 1, after_who), record:sub(after_payment + 1, after_pass) }
  orders[id] = order
  return order
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

-- What a buyer's record says: units counted, and the passes as they are written.
local function counted(value)
  if not value then return 0, '' end
  local count = tonumber(value)
  if count then return count, '' end
  local passes = value:find(' ', 1, true)
  return tonumber(value:sub(1, passes - 1)), value:sub(passes)
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

-- The mark of a unit that an order holds.
local function unit_mark(serial)
  return '-' .. sub(unit_entry(serial), 2, 2)
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
