-- What order_hold is asked for, read from its joined forms; its header says what each holds.
-- The tags of a bucket are read into one list, and a record says where in it its buyer's is: a batch
-- needs no table by name.
local names_in, values_in = {}, {}   -- number of a bucket → its tags, → the values, false for none

-- One read for each bucket, one for the offers, and one for the units that are next in line.
do
  local names, asked, forms, buckets = ARGV[2], ARGV[3], {}, #KEYS - 7
  local keys, counts, at = KEYS, { names:byte(3, buckets + 2) }, buckets + 3
  for bucket = 1, buckets do
    local count = counts[bucket] + 1
    if count == 1 then
      local tag = sub(names, at, at + 9)
      names_in[bucket], values_in[bucket] = { tag }, { call('HGET', keys[bucket + 7], tag) }
      at = at + 10
    else
      local form = forms[count]
      if not form then
        form = string.rep('c10', count)
        forms[count] = form
      end
      local some = { split(form, names, at) }
      at = some[count + 1]
      names_in[bucket] = some
      values_in[bucket] = call('HMGET', keys[bucket + 7], unpack(some, 1, count))
    end
  end
  local numbers, chunks, count = {}, {}, #asked / 6
  local pairs_asked = { split('>' .. string.rep('HI4', count), asked) }
  for i = 1, count do numbers[i] = pairs_asked[2 * i - 1] end
  offers_fetch(numbers)
  for i = 1, count do
    local line = line_of(numbers[i])
    if line then
      local first, past = line[LINE_NEXT], line[LINE_NEXT] + pairs_asked[2 * i]
      if past > line[LINE_PAST] then past = line[LINE_PAST] end
      for serial = first - first % CHUNK, past - 1, CHUNK do chunks[#chunks + 1] = serial / CHUNK end
    end
  end
  units_fetch(chunks)
  for i = 1, #ready_lines do end_line(ready_lines[i]) end
end
