-- Buyers' buckets in memory: counts, orders and passes, written at the end of the call.
-- The fields of an order's record:
local STATE, BUYER, SELLER, REFERENCE, FINGERPRINT, ORDER_DROP, PASS, LINES, AMOUNT, REFUNDED,
  HELD_AT, EXPIRES_AT, PAYMENT, LAST_FACT, REFUNDS = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
local fields, changed = {}, {}   -- bucket key → field → value

local function bucket_read(key, ...)
  local known = fields[key]
  if not known then
    known = {}
    fields[key], changed[key] = known, {}
  end
  local missing = {}
  for _, field in ipairs({ ... }) do
    if known[field] == nil then missing[#missing + 1] = field end
  end
  if #missing > 0 then
    local got = redis.call('HMGET', key, unpack(missing))
    for i, field in ipairs(missing) do known[field] = got[i] end
  end
  return known
end

local function bucket_set(key, field, value)
  fields[key][field], changed[key][field] = value, true
end

local function order_of(key, id)
  local field = 'o:' .. id
  local packed = bucket_read(key, field)[field]
  return packed and cmsgpack.unpack(packed)
end

local function order_set(slot, key, id, order)
  order[LAST_FACT] = slot.fact
  local packed = cmsgpack.pack(order)
  bucket_set(key, 'o:' .. id, packed)
  return packed
end

local function count_of(key, buyer)
  local field = 'b:' .. buyer
  return tonumber(bucket_read(key, field)[field] or 0)
end

local function count_add(key, buyer, units)
  bucket_set(key, 'b:' .. buyer, whole(count_of(key, buyer) + units))
end

local function units_in(lines)
  local sum = 0
  for _, line in ipairs(lines) do sum = sum + #line[3] end
  return sum
end

-- State and generation of every unit of an order, as two strings in the order of its lines;
-- '-' for a unit that is no longer this order's.
local function unit_marks(id, lines)
  local states, generations = {}, {}
  for _, line in ipairs(lines) do
    for _, serial in ipairs(line[3]) do
      local state, generation, owner = unit_get(serial)
      states[#states + 1] = owner == id and state or '-'
      generations[#generations + 1] = string.char(48 + generation)
    end
  end
  return table.concat(states), table.concat(generations)
end

-- Every unit of an order becomes sold. A unit keeps the generation that its last return left.
local function units_sold(id, lines)
  for _, line in ipairs(lines) do
    for _, serial in ipairs(line[3]) do
      local state, generation, owner = unit_get(serial)
      assert(state == '-', 'unit ' .. serial .. ' is ' .. state .. ' and was to be sold')
      unit_set(serial, 's', generation, id)
    end
  end
end

local function write_buckets()
  for key, names in pairs(changed) do
    local flat, gone = {}, {}
    for field in pairs(names) do
      local value = fields[key][field]
      if value == '0' then
        gone[#gone + 1] = field
      else
        flat[#flat + 1] = field
        flat[#flat + 1] = value
      end
    end
    write_pairs('HSET', key, flat)
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
  end
end
