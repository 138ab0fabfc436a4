-- Units that leave the shelf: which of them an order gets, and seats as they are marked.
--@include stock

local function seats_of(number)
  if not seats[number] then
    seats_read[number] = redis.call('HGET', SEATS, number)
    seats[number] = seats_read[number]
  end
  return seats[number]
end

local function mark(number, offer, serials, sign)
  local text = seats_of(number)
  for _, serial in ipairs(serials) do
    local at = serial - offer[BASE] + 1
    text = text:sub(1, at - 1) .. sign .. text:sub(at + 1)
  end
  seats[number] = text
end

-- The first run of n free seats that leaves no single seat behind it, else the first run at all.
-- Rows come in order of preference, so "first" is also "best".
local function find_run(text, n)
  local ones, from, any = string.rep('1', n), 1, nil
  while true do
    local at = text:find(ones, from, true)
    if not at then return any end
    local past = text:find('[^1]', at + n) or #text + 1
    if past - at - n ~= 1 then return at end
    any = any or at
    from = past + 1
  end
end

local function take_seats(number, offer, n)
  local text, serials, piece = seats_of(number), {}, n
  while n > 0 do
    local at = find_run(text, piece)
    if at then
      for i = 0, piece - 1 do serials[#serials + 1] = offer[BASE] + at - 1 + i end
      text = text:sub(1, at - 1) .. string.rep('0', piece) .. text:sub(at + piece)
      n = n - piece
      piece = math.min(piece, n)
    elseif offer[TOGETHER] == 'r' then
      return nil
    else
      piece = piece - 1
      assert(piece > 0, 'the counter says seats are free and the map has none')
    end
  end
  seats[number] = text
  return serials
end

local function take_pooled(number, offer, n)
  local serials = {}
  if offer[BACKS] > 0 then
    local skip = back_read[number] or 0
    local got = redis.call('ZRANGEBYSCORE', BACK, number, number, 'LIMIT', skip, n)
    back_read[number] = skip + #got
    offer[BACKS] = offer[BACKS] - #got
    for _, serial in ipairs(got) do
      serials[#serials + 1] = tonumber(serial)
      back_gone[#back_gone + 1] = serial
    end
  end
  while #serials < n do
    while offer[NEXT] == offer[END] do
      assert(#offer[MORE] > 0, 'the counter says units are free and no range has any')
      offer[NEXT], offer[END] = table.remove(offer[MORE], 1), table.remove(offer[MORE], 1)
    end
    serials[#serials + 1] = offer[NEXT]
    offer[NEXT] = offer[NEXT] + 1
  end
  return serials
end

-- A copy of all that taking changes, to put back when a later line of the same order is refused.
local function remember(number, offer)
  local more = { unpack(offer[MORE]) }
  local copy = { unpack(offer, 1, CAME) }
  copy[MORE] = more
  return { number = number, offer = copy, seats = seats[number], back_read = back_read[number],
    back_gone = #back_gone }
end

local function restore(memory)
  offers[memory.number], seats[memory.number] = memory.offer, memory.seats
  back_read[memory.number] = memory.back_read
  for i = #back_gone, memory.back_gone + 1, -1 do back_gone[i] = nil end
end

-- Units for one line, from available to `to` (HELD or SOLD). nil and why when there are none.
local function take(number, offer, quantity, wanted, to)
  local serials = wanted
  if #wanted > 0 then
    local text, taken = seats_of(number) or '', {}
    for _, serial in ipairs(wanted) do
      local at = serial - offer[BASE] + 1
      if text:sub(at, at) ~= '1' then taken[#taken + 1] = serial end
      -- Marked at once, so that a seat named twice is taken the second time.
      text = text:sub(1, math.max(at - 1, 0)) .. '0' .. text:sub(at + 1)
    end
    if #taken > 0 then return nil, 'seat_taken', taken end
    mark(number, offer, wanted, '0')
  elseif offer[AVAILABLE] < quantity then
    if offer[HELD] > 0 then return nil, 'all_held' end
    return nil, offer[AVAILABLE] > 0 and 'too_few' or 'sold_out'
  elseif offer[KIND] == 's' then
    serials = take_seats(number, offer, quantity)
    if not serials then return nil, 'not_together' end
  else
    serials = take_pooled(number, offer, quantity)
  end
  offer[AVAILABLE] = offer[AVAILABLE] - #serials
  offer[to] = offer[to] + #serials
  return serials
end
