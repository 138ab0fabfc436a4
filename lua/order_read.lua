#!lua flags=no-writes
-- order_read: an order with the state and generation of each of its units.
--
-- Why: what is shown of an order and its units must be of one moment.
--
-- KEYS
--   1 units    hash    chunk → unit entries
--   2 bucket   hash    the buyer's orders, count and passes
-- ARGV
--   1 order    string  order id
-- REPLY one flat list
--   not_found
--   found order_record marks
-- COST O(units of the order)
--@include slot
local UNITS = KEYS[1]
--@include units
--@include orders
local order = order_of(KEYS[2], ARGV[1])
if not order then return { 'not_found' } end
return { 'found', fields[ARGV[1]], unit_marks(ARGV[1], order[LINES]) }
