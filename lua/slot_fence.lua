#!lua
-- slot_fence: stop a slot that knows less than somebody saw.
--
-- Why: a store that loses facts while it runs keeps its run id, so nothing else would stop it.
--
-- KEYS
--   1 sale     hash    the slot record
-- ARGV
--   1 epoch    integer 0..9007199254740991 of the fact that was seen
--   2 fact     integer 0..9007199254740991, its number
--   3 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   whole                               the slot has that fact
--   stopped
-- COST O(1)
--@include slot
local known = redis.call('HMGET', KEYS[1], 'epoch', 'fact', 'server')
local instead = refused_by_fence(known[1], known[2], known[3])
if instead then return instead end
local slot = { epoch = tonumber(known[1]), fact = tonumber(known[2]), blob = '' }
local epoch, fact = tonumber(ARGV[1]), tonumber(ARGV[2])
if slot.epoch > epoch or (slot.epoch == epoch and slot.fact >= fact) then
  return answer(slot, { 'whole' })
end
redis.call('HSET', KEYS[1], 'server', '')
return answer(slot, { 'stopped' })
