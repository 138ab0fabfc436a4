#!lua
-- sale_change: open, pause, resume, drain or close a sale.
--
-- Why: the state is checked by the same script that takes stock, so a change is in force for the
-- next purchase, wherever it comes from.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 facts    stream  what became true
-- ARGV
--   1 now_ms   integer 0..9007199254740991; 0 is the store's own clock
--   2 what     word    open, pause, resume, drain or close
--   3 actor    string  who did it
--   4 is_trial  integer 0..1; 1: say what would be told, change nothing
--   5 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   already state
--   wrong_state state
--   changed state
-- COST O(1)
--@include slot
local slot, instead = read_slot(KEYS[1], ARGV[1])
if not slot then return instead end
local moves = {
  open = { announced = 'open' },
  pause = { open = 'paused' },
  resume = { paused = 'open', draining = 'open' },
  drain = { open = 'draining', paused = 'draining' },
  close = { announced = 'closed', open = 'closed', paused = 'closed', draining = 'closed' },
}
local result = { open = 'open', pause = 'paused', resume = 'open', drain = 'draining',
  close = 'closed' }
local what = ARGV[2]
assert(moves[what], 'what is open, pause, resume, drain or close')
if slot.state == result[what] then return answer(slot, { 'already', slot.state }) end
local to = moves[what][slot.state]
if not to then return answer(slot, { 'wrong_state', slot.state }) end
if ARGV[4] == '1' then return answer(slot, { 'changed', to }) end
redis.call('HSET', KEYS[1], 'state', to)
add_fact(slot, 'changed', what, ARGV[3])
write_facts(slot, KEYS[1], KEYS[2])
return answer(slot, { 'changed', to })
