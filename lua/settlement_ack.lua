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
-- REPLY one flat list, in order of precedence
--   no_slot                       this store does not know the sale
--   ahead epoch fact              the books have facts that this store never told: it went back
--   acknowledged settled trimmed
-- COST O(stream entries trimmed)
local epoch, number = tonumber(ARGV[1]), tonumber(ARGV[2])
local known = redis.call('HMGET', KEYS[1], 'epoch', 'fact', 'settled')
if not known[1] then return { 'no_slot' } end
local now_epoch, fact, settled = tonumber(known[1]), tonumber(known[2]), tonumber(known[3])
if epoch > now_epoch or (epoch == now_epoch and number > fact) then
  return { 'ahead', now_epoch, fact }
end
-- `settled` counts in the epoch of the record; an epoch that is over is only trimmed.
if epoch == now_epoch and number > settled then
  settled = number
  redis.call('HSET', KEYS[1], 'settled', string.format('%.0f', number))
end
local keep_from = string.format('%.0f-%.0f', epoch, number + 1)
return { 'acknowledged', settled, redis.call('XTRIM', KEYS[2], 'MINID', '=', keep_from) }
