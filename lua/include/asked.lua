-- What order_hold is asked for, read from its joined forms; its header says what each holds.
-- The tags of a batch are read into one list, bucket by bucket, and a record says where in it its
-- buyer's is: a batch needs no table by name.
local names, ends_at = nil, nil   -- place → tag; number of a bucket → place of its last tag
local has = nil                   -- place → the record in the buyer's field, or the tag if there is none
local known = {}                  -- place → whether that record was read, or is written elsewhere
local wishes = nil                -- three numbers each
local all_usual = false           -- whether this is one unit for each of new buyers, and there are enough

-- One read for each bucket, one for the offers, and one for the units that are next in line.
do
  local text, asked, buckets, to = ARGV[2], ARGV[3], #KEYS - 7, 0
  local keys, total = KEYS, (#text - buckets) / 10
  ends_at = { byte(text, 1, buckets) }
  names = { split(string.rep('c10', total), text, buckets + 1) }
  has = { unpack(names, 1, total) }
  for bucket = 1, buckets do
    local before = to
    to = before + ends_at[bucket] + 1
    ends_at[bucket] = to
    local got = call('HMGET', keys[bucket + 7], unpack(names, before + 1, to))
    for i = 1, to - before do
      local record = got[i]
      if record then has[before + i], known[before + i] = record, true end
    end
  end
  local orders, offers_asked = split('>HH', asked)
  local chunks, after = {}, 5 + 2 * offers_asked
  local units = { split('>' .. string.rep('I4', offers_asked), asked, after) }
  wishes = { byte(asked, after + 4 * offers_asked, -1) }
  numbers = { split('>' .. string.rep('H', offers_asked), asked, 5) }
  if offers_asked > 0 then lines = call('HMGET', OFFERS, unpack(numbers, 1, offers_asked)) end
  for i = 1, offers_asked do
    local line = line_of(numbers[i], lines[i])
    lines[i] = line
    if line then
      local first, past = line[LINE_NEXT], line[LINE_NEXT] + units[i]
      if past > line[LINE_PAST] then past = line[LINE_PAST] end
      for serial = first - first % CHUNK, past - 1, CHUNK do chunks[#chunks + 1] = serial / CHUNK end
    end
  end
  units_fetch(chunks)
  all_usual = total == orders and next(known) == nil
  for i = 1, offers_asked do
    local line = lines[i]
    if line then end_line(line) end
    all_usual = all_usual and line and line[LINE_NEXT] + units[i] <= line[LINE_PAST]
  end
  for i = 1, #wishes, 3 do
    all_usual = all_usual and wishes[i] == 1 and wishes[i + 2] == 1
  end
end

-- The number of the bucket of whoever has this place.
local function bucket_of(place)
  for bucket = 1, #ends_at do
    if place <= ends_at[bucket] then return bucket end
  end
end

-- The fields of new buyers.
local function write_buyers()
  local flat, from = {}, 1
  for bucket = 1, #ends_at do
    local size, to = 0, ends_at[bucket]
    for place = from, to do
      local record, name = has[place], names[place]
      if all_usual or (record ~= name and not known[place]) then
        flat[size + 1], flat[size + 2] = name, record
        size = size + 2
      end
    end
    if size > 0 then call('HSET', KEYS[bucket + 7], unpack(flat, 1, size)) end
    from = to + 1
  end
end
