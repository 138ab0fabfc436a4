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
--   5 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   ended state                         the sale is closed
--   older revision                      a later revision is there already
--   fixed field                         this field never changes once applied
--   lowered field                       the limit may not sink while the sale is open
--   drop_gone number                    a drop that has opened may not move or vanish
--   kept                                this revision was there already
--   put
-- COST O(fields)
--@include slot
local known = redis.call('HMGET', KEYS[1], 'state', 'revision', 'stripes', 'buckets', 'currency',
  'number', 'limit', 'drops')
local slot, instead = read_slot(KEYS[1], ARGV[1])
if known[1] and not slot then return instead end
local revision, record, server = tonumber(ARGV[2]), cmsgpack.unpack(ARGV[4]), ARGV[5]
if slot then
  if known[1] == 'closed' then return answer(slot, { 'ended', known[1] }) end
  if tonumber(known[2]) > revision then return answer(slot, { 'older', tonumber(known[2]) }) end
  if tonumber(known[2]) == revision then return answer(slot, { 'kept' }) end
  local fixed = { 'stripes', 'buckets', 'currency', 'number' }
  for i, field in ipairs(fixed) do
    if known[i + 2] ~= tostring(record[field]) then return answer(slot, { 'fixed', field }) end
  end
  if known[1] ~= 'announced' then
    if record.limit < tonumber(known[7]) then return answer(slot, { 'lowered', 'limit' }) end
    for number, opens_at_ms in ipairs(cmsgpack.unpack(known[8])) do
      if opens_at_ms <= slot.now and record.drops[number] ~= opens_at_ms then
        return answer(slot, { 'drop_gone', number })
      end
    end
  end
end

record.drops = cmsgpack.pack(record.drops)
local flat = { 'revision', revision }
for field, value in pairs(record) do
  flat[#flat + 1] = field
  flat[#flat + 1] = type(value) == 'number' and whole(value) or value
end
redis.call('HSET', KEYS[1], unpack(flat))
if not slot then
  redis.call('HSET', KEYS[1], 'state', 'announced', 'epoch', 1, 'fact', 0, 'settled', 0,
    'server', server)
  slot = read_slot(KEYS[1], ARGV[1])
end
add_fact(slot, 'changed', 'revision ' .. revision, ARGV[3])
write_facts(slot, KEYS[1], KEYS[2])
return answer(slot, { 'put' })
