#!lua
-- slot_restore: one bounded piece of a slot that is rebuilt.
--
-- Why: writes go on only while the slot is still seized by this rebuilding, so one that was frozen
-- cannot write into a slot that sells again. Every piece may be repeated.
--
-- KEYS
--   1 sale     hash    the slot record
--   2+ keys+   hash    hashes, sorted sets and the stream to write
-- ARGV
--   1 token    string  of this rebuilding
--   2 pieces   msgpack list of [command, number of its key in KEYS, how many of the values]; the
--     command is UNLINK, HSET, ZADD or XADD, which has an id and the entry's content; at most 1,000
--   3+ values+ string  of all pieces, one after the other
-- REPLY one flat list, in order of precedence
--   lost                                somebody else rebuilds this slot, or it is open
--   written
-- COST O(values)
if redis.call('HGET', KEYS[1], 'rebuild') ~= ARGV[1] then return { 'lost' } end
local from = 3
for _, piece in ipairs(cmsgpack.unpack(ARGV[2])) do
  local command, key, past = piece[1], KEYS[piece[2]], from + piece[3]
  if command == 'XADD' then
    local id, content = ARGV[from], ARGV[from + 1]
    if #redis.call('XRANGE', key, id, id) == 0 then redis.call('XADD', key, id, 'f', content) end
  else
    redis.call(command, key, unpack(ARGV, from, past - 1))
  end
  from = past
end
return { 'written' }
