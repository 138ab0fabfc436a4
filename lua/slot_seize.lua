#!lua
-- slot_seize: close a slot for its rebuilding; whoever seizes it last may write.
--
-- Why: the record names no server and a fact before all others, so every script is fenced and nobody
-- takes the slot for a good one. The token keeps out a rebuilder that was frozen and woke up late.
-- The facts' stream stays as it is: what survived in it is read until the slot opens.
--
-- KEYS
--   1 sale     hash    the slot record
-- ARGV
--   1 token    string  of this rebuilding
--   2+ record+ string  the fields of the slot record, each a name and its value
-- REPLY one flat list
--   seized
-- COST O(fields)
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'rebuild', ARGV[1], 'epoch', '0', 'fact', '0', 'settled', '0',
  unpack(ARGV, 2))
return { 'seized' }
