#!lua flags=allow-oom
-- Removes the copy of the record that a callback reports, unless it is of another run by now.
-- KEYS[1] callback   ARGV[1] run
if redis.call('HGET', KEYS[1], 'run') == ARGV[1] then
  redis.call('UNLINK', KEYS[1])
end
