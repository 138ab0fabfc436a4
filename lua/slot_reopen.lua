#!lua
-- slot_reopen: let a fenced slot sell again, under the server that it is on now.
--
-- Why: whoever decided it knows that nothing is missing up to a fact, for one state of the record.
-- If the record has changed since, the decision was about something else, and is made anew.
--
-- KEYS
--   1 sale     hash    the slot record
-- ARGV
--   1 epoch    integer 1..9007199254740991, as the record had it when it was decided
--   2 fact     integer 0..9007199254740991, likewise
--   3 was      string  the server that the record named; '' when it was fenced on purpose
--   4 server   string  run id of the server that the caller talks to; the door adds it
-- REPLY one flat list, in order of precedence
--   no_slot                             this store does not know the sale
--   kept                                it is open under this server
--   changed                             the record is not what it was
--   reopened
-- COST O(1)
local got = redis.call('HMGET', KEYS[1], 'epoch', 'fact', 'server', 'rebuild')
if not got[1] then return { { 'no_slot' }, 0, 0, '' } end
local epoch, fact, server = tonumber(got[1]), tonumber(got[2]), got[3] or ''
if server == ARGV[4] then return { { 'kept' }, epoch, fact, '' } end
-- One that is being built anew is opened by its builder.
if got[4] or epoch ~= tonumber(ARGV[1]) or fact ~= tonumber(ARGV[2]) or server ~= ARGV[3] then
  return { { 'changed' }, epoch, fact, '' }
end
redis.call('HSET', KEYS[1], 'server', ARGV[4])
return { { 'reopened' }, epoch, fact, '' }
