-- Orders that change: a batch of them read, changed in memory, and written at the end of the call.
--@include orders
local changes, gone = {}, {}   -- bucket key → fields and values, → fields that go

-- The records of a batch: each begins with the number of its bucket in KEYS and its order. The
-- number becomes the key, and all buyers' fields are read, with one call for each bucket.
local function read_orders(form, batch)
  local records, names_of, at = {}, {}, 1
  while at <= #batch do
    local record = { struct.unpack(form, batch, at) }
    at = table.remove(record)
    record[1] = KEYS[record[1]]
    local names = names_of[record[1]] or {}
    names_of[record[1]] = names
    names[#names + 1] = sub(record[2], 7, 16)
    records[#records + 1] = record
  end
  for key, names in pairs(names_of) do
    local got, known = redis.call('HMGET', key, unpack(names)), {}
    for i = 1, #names do known[names[i]] = got[i] end
    fields[key] = known
  end
  return records
end

local function field_set(key, name, value)
  fields[key][name] = value
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

-- The record of an order that has changed, as it will be kept.
local function order_keep(key, order)
  local record = order_packed(order)
  field_set(key, order[FIELD], record)
  return record
end

-- The same for an order that the last fact is about.
local function order_set(slot, key, order)
  order[LAST_FACT] = slot.fact
  return order_keep(key, order)
end

-- A fact of an order, from its kind with the head of its array, and what follows the order's id.
local function add_packed_fact(slot, kind, id, more)
  slot.facts[#slot.facts + 1] = kind
    .. struct.pack('>BI8BI8', 207, next_fact(slot), 207, slot.now) .. '\184' .. id .. more
end

local function count_of(key, buyer)
  local _, counted = counted_of(key, buyer)
  return (split_count(counted))
end

-- What is counted for a buyer and the passes that he has spent, written.
local function count_set(key, buyer, counted)
  local first = counted_of(key, buyer)
  if first then
    first[COUNTED] = counted
    order_keep(key, first)
  else
    field_set(key, 'b:' .. buyer, counted ~= '0' and counted)
  end
end

-- More units, or fewer, are counted for an order's buyer. It comes before the order changes, for what
-- is counted may be told by its state alone; and the order itself is kept after it.
local function count_add(key, order, units)
  local first, counted = counted_of(key, order[BUYER])
  if units == 0 then return end
  local count, passes = split_count(counted)
  counted = whole(count + units) .. passes
  if first == order then
    first[COUNTED] = counted
  else
    count_set(key, order[BUYER], counted)
  end
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
  for key, pairs_flat in pairs(changes) do
    if #pairs_flat > 0 then write_pairs('HSET', key, pairs_flat) end
  end
  for key, names in pairs(gone) do
    local left = {}
    for _, name in ipairs(names) do
      if not fields[key][name] then left[#left + 1] = name end
    end
    if #left > 0 then redis.call('HDEL', key, unpack(left)) end
  end
end
