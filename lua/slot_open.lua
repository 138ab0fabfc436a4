#!lua
-- slot_open: the last step of a rebuilding: the slot sells again, in its new epoch.
--
-- Why: in one step the facts of the old epochs go, which the new epoch has anew, and the record names
-- its epoch, its last fact and the server that it lies on.
--
-- KEYS
--   1 sale     hash    the slot record
--   2 facts    stream  what became true
-- ARGV
--   1 token    string  of this rebuilding
--   2 epoch    integer 1..9007199254740991
--   3 fact     integer 1..9007199254740991, the last fact of the new epoch
--   4 state    word    announced, open, paused, draining or closed
-- REPLY one flat list, in order of precedence
--   lost                                somebody else rebuilds this slot, or it is open
--   opened
-- COST O(stream entries trimmed)
if redis.call('HGET', KEYS[1], 'rebuild') ~= ARGV[1] then return { 'lost' } end
local server = redis.call('INFO', 'server'):match('run_id:(%w+)')
redis.call('XTRIM', KEYS[2], 'MINID', '=', ARGV[2] .. '-1')
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'fact', ARGV[3], 'settled', '0', 'state', ARGV[4],
  'server', server)
redis.call('HDEL', KEYS[1], 'rebuild')
return { 'opened' }
