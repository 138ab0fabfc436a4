#!lua flags=no-writes
-- bucket_read: everything one bucket of buyers holds, at one fact number.
--
-- Why: the audit counts orders against limits and the books; a bucket is one bounded step.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 bucket   hash    the buyers' orders, counts and passes
-- ARGV
--   1 most     integer 1..400000, refuse a bucket of more fields than this
-- REPLY one flat list
--   no_slot                             this store does not know the sale
--   too_large fields
--   bucket epoch fact field value…
-- COST O(fields of the bucket)
local slot = redis.call('HMGET', KEYS[1], 'epoch', 'fact')
if not slot[1] then return { 'no_slot' } end
local size = redis.call('HLEN', KEYS[2])
if size > tonumber(ARGV[1]) then return { 'too_large', size } end
local reply = { 'bucket', tonumber(slot[1]), tonumber(slot[2]) }
for _, part in ipairs(redis.call('HGETALL', KEYS[2])) do reply[#reply + 1] = part end
return reply
