-- Unit entries: state, generation and owner of every unit that was ever sold or allotted.
-- An entry has a fixed width and a chunk of them shares one field, so that a unit costs 26 bytes
-- and not a hash field of its own. States: '-' free or held, a allotted, s sold, r redeemed,
-- v voided. A generation is one character from '0' on.
local ENTRY, CHUNK, GENERATION_MAX = 26, 32, 31
local BLANK_CHUNK = string.rep('-0' .. string.rep(' ', 24), CHUNK)
local unit_chunks, unit_changed = {}, {}

local function unit_chunk(serial)
  local number = math.floor(serial / CHUNK)
  if not unit_chunks[number] then
    unit_chunks[number] = redis.call('HGET', UNITS, number) or BLANK_CHUNK
  end
  return number, (serial % CHUNK) * ENTRY
end

local function unit_get(serial)
  local number, at = unit_chunk(serial)
  local chunk = unit_chunks[number]
  return chunk:sub(at + 1, at + 1), chunk:byte(at + 2) - 48, chunk:sub(at + 3, at + ENTRY)
end

local function unit_set(serial, state, generation, owner)
  assert(#owner == ENTRY - 2, 'an owner has 24 characters')
  local number, at = unit_chunk(serial)
  local chunk = unit_chunks[number]
  unit_chunks[number] = chunk:sub(1, at) .. state .. string.char(48 + generation) .. owner
    .. chunk:sub(at + ENTRY + 1)
  unit_changed[number] = true
end

local NOBODY = string.rep(' ', ENTRY - 2)

local function write_units()
  local flat = {}
  for number in pairs(unit_changed) do
    flat[#flat + 1] = number
    flat[#flat + 1] = unit_chunks[number]
  end
  write_pairs('HSET', UNITS, flat)
end
