#!lua
-- settlement_ack: the books have every fact up to a number; note it and let go of those facts.
--
-- Why: what was not booked must never be trimmed, so both happen here, after the commit, in one
-- step. A repeat, or a late call of a slower worker, finds a higher number and changes nothing.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 facts    stream  what became true
-- ARGV
--   1 epoch    integer 1..9007199254740991
--   2 number   integer 0..9007199254740990, the last fact number in the books
--   3 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                       this store does not know the sale
--   ahead epoch fact              the books have facts that this store never told: it went back
--   acknowledged settled trimmed
-- COST O(stream entries trimmed)
--@include slot
local epoch, number = tonumber(ARGV[1]), tonumber(ARGV[2])
local known = redis.call('HMGET', KEYS[1], 'epoch', 'fact', 'server', 'settled')
local instead = refused_by_fence(known[1], known[2], known[3])
if instead then return instead end
local slot = { epoch = tonumber(known[1]), fact = tonumber(known[2]), blob = '' }
local settled = tonumber(known[4])
if epoch > slot.epoch or (epoch == slot.epoch and number > slot.fact) then
  return answer(slot, { 'ahead', slot.epoch, slot.fact })
end
-- `settled` counts in the epoch of the record; an epoch that is over is only trimmed.
if epoch == slot.epoch and number > settled then
  settled = number
  redis.call('HSET', KEYS[1], 'settled', whole(number))
end
local keep_from = whole(epoch) .. '-' .. whole(number + 1)
local trimmed = redis.call('XTRIM', KEYS[2], 'MINID', '=', keep_from)
return answer(slot, { 'acknowledged', settled, trimmed })
