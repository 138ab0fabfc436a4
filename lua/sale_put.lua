#!lua
-- sale_put: create the slot record of a sale, or bring it to a new revision.
--
-- Why: while a sale is open only additions, texts and windows may change; a lower limit would
-- break a promise already given, and stripes and buckets name where orders lie.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 facts    stream  what became true
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 revision integer 1..2147483647
--   3 actor    string  who did it
--   4 record   msgpack {number, title, currency, timezone, limit, hold_ms, stripes, buckets, carry,
--     closes_at_ms, drops, drop_ids} as a map of strings and integers; drops a list of openings
-- REPLY one flat list, in order of precedence
--   ended state                         the sale is closed
--   older revision                      a later revision is there already
--   fixed field                         this field never changes once applied
--   lowered field                       the limit may not sink while the sale is open
--   drop_gone number                    a drop that has opened may not move or vanish
--   kept                                this revision was there already
--   put
-- COST O(fields)
--@include clock
local now = now_ms(ARGV[1])
local revision, record = tonumber(ARGV[2]), cmsgpack.unpack(ARGV[4])
local known = redis.call('HMGET', KEYS[1], 'state', 'revision', 'stripes', 'buckets', 'currency',
  'number', 'limit', 'drops')
if known[1] then
  if known[1] == 'closed' then return { 'ended', known[1] } end
  if tonumber(known[2]) > revision then return { 'older', tonumber(known[2]) } end
  if tonumber(known[2]) == revision then return { 'kept' } end
  local fixed = { 'stripes', 'buckets', 'currency', 'number' }
  for i, field in ipairs(fixed) do
    if known[i + 2] ~= tostring(record[field]) then return { 'fixed', field } end
  end
  if known[1] ~= 'announced' then
    if record.limit < tonumber(known[7]) then return { 'lowered', 'limit' } end
    for number, opens_at_ms in ipairs(cmsgpack.unpack(known[8])) do
      if opens_at_ms <= now and record.drops[number] ~= opens_at_ms then return { 'drop_gone', number } end
    end
  end
end

record.drops = cmsgpack.pack(record.drops)
local flat = { 'revision', revision }
for field, value in pairs(record) do
  flat[#flat + 1] = field
  flat[#flat + 1] = type(value) == 'number' and string.format('%.0f', value) or value
end
redis.call('HSET', KEYS[1], unpack(flat))
if not known[1] then
  redis.call('HSET', KEYS[1], 'state', 'announced', 'epoch', 1, 'fact', 0, 'settled', 0)
end
local epoch = redis.call('HGET', KEYS[1], 'epoch')
local fact = redis.call('HINCRBY', KEYS[1], 'fact', 1)
redis.call('XADD', KEYS[2], epoch .. '-' .. fact, 'f',
  cmsgpack.pack({ { 'changed', fact, now, 'revision ' .. revision, ARGV[3] } }))
return { 'put' }
