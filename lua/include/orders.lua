-- Buyers' buckets in memory: orders, counts and passes, written at the end of the call.
-- A bucket has two kinds of fields: an order's id → its record, and 'b:' with a buyer → the units
-- that are counted and the passes that are spent, as '2' or '2 pass pass '.
-- An order's record is a head of fixed width, then an array with what was asked for, so that both
-- are joined from pieces that came packed. States: h held, c confirmed, r released, e expired,
-- p partly_refunded, f refunded, u paid_unfulfilled.
local ORDER_HEAD, ORDER_HEAD_BYTES = '>c1I8I8I8I8I2', 35
local BUYER, SELLER, REFERENCE, LINES, PAYMENT, FINGERPRINT, PASS, REFUNDED, REFUNDS,
  STATE, LAST_FACT, HELD_AT, EXPIRES_AT, AMOUNT, ORDER_DROP =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
local SEVEN, NINE = '\151', '\153'   -- the heads of the array, without and with refunds
local fields = {}                    -- field → value, false where there is none
local changed, changes = {}, {}      -- field → true, bucket key → names of its changed fields
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
  if changed[name] then return end
  changed[name] = true
  local names = changes[key]
  if not names then
    names = {}
    changes[key] = names
  end
  names[#names + 1] = name
end

local function order_of(key, id)
  if orders[id] then return orders[id] end
  local record = field_of(key, id)
  if not record then return nil end
  local _, order = cmsgpack.unpack_one(record, ORDER_HEAD_BYTES)
  order[STATE], order[LAST_FACT], order[HELD_AT], order[EXPIRES_AT], order[AMOUNT],
    order[ORDER_DROP] = struct.unpack(ORDER_HEAD, record)
  if not order[REFUNDED] then order[REFUNDED], order[REFUNDS] = 0, {} end
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

local function order_head(slot, state, held_at, expires_at, amount, drop)
  return struct.pack(ORDER_HEAD, state, slot.fact, held_at, expires_at, amount, drop)
end

-- The record of an order as its last fact left it.
local function order_set(slot, key, id, order)
  local head = order_head(slot, order[STATE], order[HELD_AT], order[EXPIRES_AT], order[AMOUNT],
    order[ORDER_DROP])
  local asked = cmsgpack.pack(order[BUYER], order[SELLER], order[REFERENCE], order[LINES],
    order[PAYMENT], order[FINGERPRINT], order[PASS])
  local record
  if #order[REFUNDS] > 0 then
    record = head .. NINE .. asked .. cmsgpack.pack(order[REFUNDED], order[REFUNDS])
  else
    record = head .. SEVEN .. asked
  end
  field_set(key, id, record)
  return record
end

local function count_of(key, buyer)
  local value = field_of(key, 'b:' .. buyer)
  if not value then return 0, '' end
  local count, passes = value:match('^(%d+)(.*)$')
  return tonumber(count), passes
end

-- So many units more or fewer, and a pass that is spent now, or none.
local function count_add(key, buyer, units, pass)
  local count, passes = count_of(key, buyer)
  if pass then passes = passes .. (passes == '' and ' ' or '') .. pass .. ' ' end
  local left = count + units
  field_set(key, 'b:' .. buyer, (left > 0 or passes ~= '') and whole(left) .. passes)
end

local function is_spent(key, buyer, pass)
  local value = field_of(key, 'b:' .. buyer)
  return value and value:find(' ' .. pass .. ' ', 1, true)
end

local function units_in(lines)
  local sum = 0
  for _, line in ipairs(lines) do sum = sum + #line[3] end
  return sum
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

-- Every unit of an order becomes sold, and its marks then. A unit keeps the generation that its
-- last return left.
local function units_sold(id, lines)
  local marks = {}
  for _, line in ipairs(lines) do
    for _, serial in ipairs(line[3]) do
      local entry, mark = unit_entry(serial), 's0'
      if entry ~= BLANK then
        assert(entry:byte(1) == 45, 'unit ' .. serial .. ' is ' .. entry .. ' and was to be sold')
        mark = 's' .. entry:sub(2, 2)
      end
      unit_put(serial, mark .. id)
      marks[#marks + 1] = mark
    end
  end
  return #marks == 1 and marks[1] or table.concat(marks)
end

local function write_buckets()
  for key, names in pairs(changes) do
    local flat, gone = {}, {}
    for _, name in ipairs(names) do
      local value = fields[name]
      if value then
        flat[#flat + 1] = name
        flat[#flat + 1] = value
      else
        gone[#gone + 1] = name
      end
    end
    write_pairs('HSET', key, flat)
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
  end
end
