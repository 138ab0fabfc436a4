-- What order_hold is asked for, read from its joined forms; its header says what each holds.
-- The names of a bucket are read into one list, an order's id and its buyer's field in turn, and a
-- record says where in it its own are: a batch needs no table by name.
local NAMES_OF_ONE, RECORD, MORE_ASKED, LINE = 'c24c26', '>HHBHBHc0', '>HHI8HBc0B', '>HBB'
local names_in, values_in = {}, {}   -- number of a bucket → its names, → the values, false for none

-- One read for each bucket, and one for the units that are next in line.
local function read_asked(names, asked)
  local split, call, forms = struct.unpack, redis.call, {}
  local buckets = #KEYS - 7
  local counts, at = { names:byte(3, buckets + 2) }, buckets + 3
  for bucket = 1, buckets do
    local count = 2 * counts[bucket] + 2
    local form = forms[count]
    if not form then
      form = string.rep(NAMES_OF_ONE, count / 2)
      forms[count] = form
    end
    local some = { split(form, names, at) }
    at = some[count + 1]
    some[count + 1] = nil
    names_in[bucket], values_in[bucket] = some, call('HMGET', KEYS[bucket + 7], unpack(some))
  end
  local numbers, units_asked = {}, {}
  at = 1
  while at <= #asked do
    local number, units
    number, units, at = split('>HI4', asked, at)
    numbers[#numbers + 1], units_asked[number] = number, units
  end
  offers_fetch(numbers)
  units_fetch(units_in_line(numbers, units_asked))
end

-- What a record has more than the usual: where its order and its buyer's field were named first,
-- end, drop and id of its pass or '', its lines as a list of { offer, quantity, serials } or false
-- for the one of the record's head; and where the next record begins.
local function read_more(batch, at)
  local order_at, field_at, ends, drop, pass, count
  order_at, field_at, ends, drop, pass, count, at = struct.unpack(MORE_ASKED, batch, at)
  local lines = count > 0 and {}
  for i = 1, count do
    local offer, quantity, named
    offer, quantity, named, at = struct.unpack(LINE, batch, at)
    local serials = {}
    if named > 0 then
      serials = { struct.unpack('>' .. string.rep('I4', named), batch, at) }
      at = table.remove(serials)
    end
    lines[i] = { offer, quantity, serials }
  end
  return { order_at, field_at, ends, drop, pass, lines }, at
end
