-- Buyers' buckets in memory: orders, counts and passes, written at the end of the call.
-- A bucket has two kinds of fields: an order's id → its record, and 'b:' with a buyer → the units
-- that are counted and the passes that are spent, as '2' or '2 pass pass '.
-- An order's record is a head of fixed width, then an array with what was asked for, so that both
-- are joined from pieces that came packed. States: h held, c confirmed, r released, e expired,
-- p partly_refunded, f refunded, u paid_unfulfilled.
local ORDER_HEAD, ORDER_HEAD_BYTES = '>c1I8I8I8I8I2', 35
local STATE, LAST_FACT, HELD_AT, EXPIRES_AT, AMOUNT, ORDER_DROP, BUYER, SELLER, REFERENCE, LINES,
  PAYMENT, FINGERPRINT, PASS, REFUNDED, REFUNDS, WHO_PACKED, LINES_PACKED, LAST_PACKED =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18
local SEVEN, NINE = '\151', '\153'   -- the heads of the array, without and with refunds
local fields = {}                    -- field → value, false where there is none
local changes, gone = {}, {}         -- bucket key → fields and values, → fields that go
local orders = {}                    -- order → its record taken apart

-- What the records of a batch need of their buckets, one read for each: bucket key → fields.
local function buckets_fetch(names_of)
  for key, names in pairs(names_of) do
    local got = redis.call('HMGET', key, unpack(names))
    for i = 1, #names do fields[names[i]] = got[i] end
  end
end

local function field_of(key, name)
  if fields[name] == nil then fields[name] = redis.call('HGET', key, name) end
  return fields[name]
end

local function field_set(key, name, value)
  fields[name] = value
  local pairs_flat = changes[key]
  if not pairs_flat then
    pairs_flat = {}
    changes[key] = pairs_flat
  end
  if value then
    local last = #pairs_flat
    pairs_flat[last + 1], pairs_flat[last + 2] = name, value
  else
    local names = gone[key] or {}
    names[#names + 1] = name
    gone[key] = names
  end
end

-- An order's record taken apart. The pieces that nothing changes stay packed too.
local function order_of(key, id)
  if orders[id] then return orders[id] end
  local record = field_of(key, id)
  if not record then return nil end
  local state, fact, held_at, expires_at, amount, drop = struct.unpack(ORDER_HEAD, record)
  local next_of, first = cmsgpack.unpack_one, ORDER_HEAD_BYTES + 1
  local at, buyer, seller, reference, lines, payment, fingerprint, pass
  at, buyer = next_of(record, first)
  at, seller = next_of(record, at)
  at, reference = next_of(record, at)
  local after_who, after_lines, after_payment, after_pass = at
  after_lines, lines = next_of(record, after_who)
  after_payment, payment = next_of(record, after_lines)
  at, fingerprint = next_of(record, after_payment)
  after_pass, pass = next_of(record, at)
  local refunded, refunds = 0, {}
  if after_pass >= 0 then
    at, refunded = next_of(record, after_pass)
    at, refunds = next_of(record, at)
  end
  local order = { state, fact, held_at, expires_at, amount, drop, buyer, seller, reference, lines,
    payment, fingerprint, pass, refunded, refunds, record:sub(first + 1, after_who),
    record:sub(after_who + 1, after_lines), record:sub(after_payment + 1, after_pass) }
  orders[id] = order
  return order
end

-- The records of a batch: each begins with the number of its bucket in KEYS and its order. The
-- number becomes the key, and all orders are read, with one call for each bucket.
local function read_orders(form, batch)
  local records, names_of, at = {}, {}, 1
  while at <= #batch do
    local record = { struct.unpack(form, batch, at) }
    at = table.remove(record)
    record[1] = KEYS[record[1]]
    local names = names_of[record[1]] or {}
    names_of[record[1]] = names
    names[#names + 1] = record[2]
    records[#records + 1] = record
  end
  buckets_fetch(names_of)
  return records
end

-- The record of an order as its last fact left it.
local function order_set(slot, key, id, order)
  local refunds, more = SEVEN, ''
  if #order[REFUNDS] > 0 then
    refunds, more = NINE, cmsgpack.pack(order[REFUNDED], order[REFUNDS])
  end
  local record = struct.pack(ORDER_HEAD, order[STATE], slot.fact, order[HELD_AT],
      order[EXPIRES_AT], order[AMOUNT], order[ORDER_DROP]) .. refunds .. order[WHO_PACKED]
    .. order[LINES_PACKED] .. cmsgpack.pack(order[PAYMENT]) .. order[LAST_PACKED] .. more
  field_set(key, id, record)
  return record
end

-- A fact of an order, from its kind with the head of its array, and what follows the order's id.
local function add_packed_fact(slot, kind, id, more)
  slot.facts[#slot.facts + 1] = kind
    .. struct.pack('>BI8BI8', 207, next_fact(slot), 207, slot.now) .. '\184' .. id .. more
end

-- What a buyer's record says: units counted, and the passes as they are written.
local function counted(value)
  if not value then return 0, '' end
  local count = tonumber(value)
  if count then return count, '' end
  local passes = value:find(' ', 1, true)
  return tonumber(value:sub(1, passes - 1)), value:sub(passes)
end

local texts = {}   -- number → its text; a few small numbers make up most of a batch

local function count_set(key, field, count, passes)
  local text = texts[count]
  if not text then
    text = whole(count)
    texts[count] = text
  end
  if passes ~= '' then text = text .. passes end
  field_set(key, field, text ~= '0' and text)
end

local function count_of(key, buyer)
  return (counted(field_of(key, 'b:' .. buyer)))
end

local function count_add(key, buyer, units)
  local count, passes = counted(field_of(key, 'b:' .. buyer))
  count_set(key, 'b:' .. buyer, count + units, passes)
end

local function units_in(lines)
  local sum = 0
  for _, line in ipairs(lines) do sum = sum + #line[3] end
  return sum
end

-- What a batch tells of an order: one text, because a list costs the server a dozen lookups.
local function told(word, marks, record)
  return word .. ' ' .. marks .. ' ' .. record
end

-- One unit becomes sold, and its mark then. It keeps the generation that its last return left.
local function unit_sold(id, serial)
  local entry, mark = unit_entry(serial), 's0'
  if entry ~= BLANK then
    assert(entry:byte(1) == 45, 'unit ' .. serial .. ' is ' .. entry .. ' and was to be sold')
    mark = 's' .. entry:sub(2, 2)
  end
  local place = serial % CHUNK
  unit_edits_of(serial, place)[place] = mark .. id
  return mark
end

-- The mark of a unit that an order holds.
local function unit_mark(_, serial)
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

-- A field that changed twice is written twice, and its last value stays.
local function write_buckets()
  for key, pairs_flat in pairs(changes) do write_pairs('HSET', key, pairs_flat) end
  for key, names in pairs(gone) do
    local left = {}
    for _, name in ipairs(names) do
      if not fields[name] then left[#left + 1] = name end
    end
    if #left > 0 then redis.call('HDEL', key, unpack(left)) end
  end
end
