-- What order_hold is asked for, read from its joined forms; its header says what each holds.
-- The tags of a bucket are read into one list, and a record says where in it its buyer's is: a batch
-- needs no table by name.
local names_in, values_in = {}, {}   -- number of a bucket → its tags, → the values, false for none

-- One read for each bucket, and one for the units that are next in line.
local function read_asked(names, asked)
  local split, call, forms = struct.unpack, redis.call, {}
  local buckets = #KEYS - 7
  local counts, at = { names:byte(3, buckets + 2) }, buckets + 3
  for bucket = 1, buckets do
    local count = counts[bucket] + 1
    if count == 1 then
      local tag = sub(names, at, at + 9)
      names_in[bucket], values_in[bucket] = { tag }, { call('HGET', KEYS[bucket + 7], tag) }
      at = at + 10
    else
      local form = forms[count]
      if not form then
        form = string.rep('c10', count)
        forms[count] = form
      end
      local some = { split(form, names, at) }
      at = some[count + 1]
      some[count + 1] = nil
      names_in[bucket], values_in[bucket] = some, call('HMGET', KEYS[bucket + 7], unpack(some))
    end
  end
  local numbers, units_asked = {}, {}
  at = 1
  while at <= #asked do
    local number, units
    number, units, at = split('>HI4', asked, at)
    numbers[#numbers + 1], units_asked[number] = number, units
  end
  offers_fetch(numbers)
  read_lines(numbers, units_asked)
end

-- The lines of an order that has several, or names its units, as { offer, quantity, serials }; and
-- where the next record begins.
local function split_lines(batch, at)
  local count, lines = batch:byte(at), {}
  at = at + 1
  for i = 1, count do
    local offer, quantity, named
    offer, quantity, named, at = struct.unpack('>HBB', batch, at)
    local serials = {}
    if named > 0 then
      serials = { struct.unpack('>' .. string.rep('I4', named), batch, at) }
      at = table.remove(serials)
    end
    lines[i] = { offer, quantity, serials }
  end
  return lines, at
end
