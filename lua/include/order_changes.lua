-- Orders that change: a batch of them read, changed in memory, and written at the end of the call.
--@include orders
local changes, gone = {}, {}   -- bucket key → fields and values, → fields that go

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
  for key, names in pairs(names_of) do
    local got = redis.call('HMGET', key, unpack(names))
    for i = 1, #names do fields[names[i]] = got[i] end
  end
  return records
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

-- The record of an order as its last fact left it.
local function order_set(slot, key, id, order)
  local refunds, more = SEVEN, ''
  if #order[REFUNDS] > 0 then
    refunds, more = NINE, cmsgpack.pack(order[REFUNDED], order[REFUNDS])
  end
  local record = struct.pack(ORDER_HEAD, order[STATE], slot.fact, order[HELD_AT],
      order[EXPIRES_AT], order[AMOUNT], order[ORDER_DROP]) .. refunds .. order[LINES_PACKED]
    .. order[WHO_PACKED] .. cmsgpack.pack(order[PAYMENT]) .. order[LAST_PACKED] .. more
  field_set(key, id, record)
  return record
end

-- A fact of an order, from its kind with the head of its array, and what follows the order's id.
local function add_packed_fact(slot, kind, id, more)
  slot.facts[#slot.facts + 1] = kind
    .. struct.pack('>BI8BI8', 207, next_fact(slot), 207, slot.now) .. '\184' .. id .. more
end

local function count_of(key, buyer)
  return (counted(field_of(key, 'b:' .. buyer)))
end

local function count_add(key, buyer, units)
  local count, passes = counted(field_of(key, 'b:' .. buyer))
  local text = whole(count + units) .. passes
  field_set(key, 'b:' .. buyer, text ~= '0' and text)
end

local function units_in(lines)
  local sum = 0
  for _, line in ipairs(lines) do sum = sum + #line[3] end
  return sum
end

-- What a batch tells of an order: the verdict and the record.
local function told(word, marks, record)
  return word .. ' ' .. marks, record
end

-- The replies of a batch: two texts for each record, because lists cost the server more.
local function replies_of(records, decide)
  local replies = {}
  for i = 1, #records do
    local verdict, record = decide(unpack(records[i]))
    replies[2 * i - 1], replies[2 * i] = verdict, record or ''
  end
  return replies
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
