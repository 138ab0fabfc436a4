#!lua flags=no-writes
-- counts_read: the counters of a range of offers, all of one fact number.
--
-- Why: an audit compares them with the books as of that very number, on a live system.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 offers   hash    offer number → record
--   3 lending  hash    `m:<offer>`: units lent to other stripes less units received
-- ARGV
--   1 first    integer 1..2147483647, the first offer number
--   2 count    integer 1..256
-- REPLY one flat list
--   no_slot                             this store does not know the sale
--   counts epoch fact offer_record moving…    '' for a number without an offer
-- COST O(count)
local slot = redis.call('HMGET', KEYS[1], 'epoch', 'fact')
if not slot[1] then return { 'no_slot' } end
local numbers, moving = {}, {}
for number = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1 do
  numbers[#numbers + 1], moving[#moving + 1] = number, 'm:' .. number
end
local reply = { 'counts', tonumber(slot[1]), tonumber(slot[2]) }
moving = redis.call('HMGET', KEYS[3], unpack(moving))
for i, packed in ipairs(redis.call('HMGET', KEYS[2], unpack(numbers))) do
  reply[#reply + 1] = packed or ''
  reply[#reply + 1] = tonumber(moving[i] or 0)
end
return reply
