#!lua
-- stripe_settle: forget a transfer that has arrived.
--
-- Why: the last of three steps. Only the transfer of this very name is dropped, so a late repeat
-- cannot drop the next one.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 lending  hash    open transfers, latest transfers, units moving
-- ARGV
--   1 receiver integer 0..15, the other stripe
--   2 epoch    integer 1..9007199254740991
--   3 fact     integer 1..9007199254740991, with the epoch the transfer's name
--   4 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   gone                                this transfer is not open
--   settled
-- COST O(1)
--@include slot
local slot, instead = read_slot(KEYS[1], 0)
if not slot then return instead end
local field = 'out:' .. ARGV[1]
local open = redis.call('HGET', KEYS[2], field)
open = open and cmsgpack.unpack(open)
if not open or open[1] ~= tonumber(ARGV[2]) or open[2] ~= tonumber(ARGV[3]) then
  return answer(slot, { 'gone' })
end
redis.call('HDEL', KEYS[2], field)
return answer(slot, { 'settled' })
