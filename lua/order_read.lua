#!lua flags=no-writes
-- order_read: an order with the state and generation of each of its units.
--
-- Why: what is shown of an order and its units must be of one moment. A store that may have forgotten
-- the order must not say that there is none: it refuses, as it does to whoever writes.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 units    hash    chunk → unit entries
--   3 bucket   hash    the buyer's orders, count and passes
-- ARGV
--   1 order    string  order id
--   2 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list
--   no_slot                             this store does not know the sale
--   not_found
--   found order_record marks
-- COST O(units of the order)
--@include slot
local UNITS = KEYS[2]
--@include units
--@include orders
local known = redis.call('HMGET', KEYS[1], 'epoch', 'fact', 'server')
local instead = refused_by_fence(known[1], known[2], known[3])
if instead then return instead end
local slot = { epoch = tonumber(known[1]), fact = tonumber(known[2]), blob = '' }
local order = order_of(KEYS[3], ARGV[1])
if not order then return answer(slot, { 'not_found' }) end
return answer(slot, { 'found', fields[KEYS[3]][order[FIELD]], unit_marks(ARGV[1], order[LINES]) })
