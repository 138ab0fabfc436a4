-- Unit entries: state, generation and owner of every unit that was ever sold or allotted.
-- An entry has a fixed width and a chunk of them shares one field, so that a unit costs 26 bytes
-- and not a hash field of its own; a chunk ends with its last entry that is not blank.
-- States: '-' free or held, a allotted, s sold, r redeemed, v voided. A generation is one
-- character from '0' on. The first two characters of an entry are the unit's mark.
local ENTRY, CHUNK, GENERATION_MAX = 26, 32, 31
local NOBODY = '                        '   -- 24 spaces
local BLANK = '-0                        '
local unit_chunks, unit_edits = {}, {}   -- chunk → its text, → place → new entry
local unit_appended = {}                 -- chunk → whether its text is longer than it was read

local sub, concat = string.sub, table.concat

local function units_fetch(numbers)
  for first = 1, #numbers, WRITE_PAIRS do
    local last = math.min(first + WRITE_PAIRS - 1, #numbers)
    local got = redis.call('HMGET', UNITS, unpack(numbers, first, last))
    for i = first, last do unit_chunks[numbers[i]] = got[i - first + 1] or '' end
  end
end

local function unit_entry(serial)
  local place = serial % CHUNK
  local number = (serial - place) / CHUNK
  local edits = unit_edits[number]
  if edits and edits[place] then return edits[place] end
  local text = unit_chunks[number]
  if not text then
    text = redis.call('HGET', UNITS, number) or ''
    unit_chunks[number] = text
  end
  local at = place * ENTRY
  return at < #text and sub(text, at + 1, at + ENTRY) or BLANK
end

local function unit_get(serial)
  local entry = unit_entry(serial)
  return entry:sub(1, 1), entry:byte(2) - 48, entry:sub(3)
end

-- Edits of a chunk know the lowest and the highest place among them.
local function unit_edit(serial, entry)
  local place = serial % CHUNK
  local number = (serial - place) / CHUNK
  local edits = unit_edits[number]
  if not edits then
    unit_edits[number] = { low = place, high = place, [place] = entry }
    return
  end
  edits[place] = entry
  if place > edits.high then
    edits.high = place
  elseif place < edits.low then
    edits.low = place
  end
end

local function unit_set(serial, state, generation, owner)
  assert(#owner == ENTRY - 2, 'an owner has 24 characters')
  unit_edit(serial, state .. string.char(48 + generation) .. owner)
end

-- A chunk whose edits all lie behind what was read: units sold for the first time.
local function appended(text, edits)
  local parts = { text }
  for _ = #text / ENTRY, edits.low - 1 do parts[#parts + 1] = BLANK end
  for place = edits.low, edits.high do parts[#parts + 1] = edits[place] or BLANK end
  return concat(parts)
end

-- A chunk with its edits: what was read is cut only where an edit lies, and joined once.
local function edited(text, edits)
  if edits.low * ENTRY >= #text then return appended(text, edits) end
  local parts, from = {}, 0
  for place = edits.low, edits.high do
    local entry = edits[place]
    if entry then
      if from < place then
        local kept = text:sub(from * ENTRY + 1, place * ENTRY)
        parts[#parts + 1] = kept
        local short = place - from - #kept / ENTRY
        if short > 0 then parts[#parts + 1] = string.rep(BLANK, short) end
      end
      parts[#parts + 1] = entry
      from = place + 1
    end
  end
  parts[#parts + 1] = text:sub(from * ENTRY + 1)
  return concat(parts)
end

-- Units from `first` to before `past`, none of which anybody had before, are sold to their owners, the
-- first of whom stands at `at` among the values. Where another offer begins in their chunk and was
-- sold from in this call, its text is past them already.
local function units_append(first, past, values, at)
  local from = first
  while from < past do
    local place = from % CHUNK
    local number, to = (from - place) / CHUNK, from - place + CHUNK
    if to > past then to = past end
    local text = unit_chunks[number]
    local gap = place - #text / ENTRY
    if gap >= 0 then
      if gap > 0 then text = text .. string.rep(BLANK, gap) end
      unit_chunks[number] = text .. 's0'
        .. concat(values, 's0', at + from - first, at + to - first - 1)
      unit_appended[number] = true
    else
      for serial = from, to - 1 do unit_edit(serial, 's0' .. values[at + serial - first]) end
    end
    from = to
  end
end

local function write_units()
  local flat, last = {}, 0
  for number, edits in pairs(unit_edits) do
    flat[last + 1], flat[last + 2] = number, edited(unit_chunks[number] or '', edits)
    last = last + 2
  end
  for number in pairs(unit_appended) do
    if not unit_edits[number] then
      flat[last + 1], flat[last + 2] = number, unit_chunks[number]
      last = last + 2
    end
  end
  write_pairs('HSET', UNITS, flat)
end
