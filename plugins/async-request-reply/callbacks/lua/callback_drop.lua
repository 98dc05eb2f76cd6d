#!lua flags=allow-oom
-- Drops what a callback had to tell, unless it is of another run by now.
-- KEYS[1] the record as it settled   ARGV[1] run
if redis.call('HGET', KEYS[1], 'run') == ARGV[1] then
  redis.call('UNLINK', KEYS[1])
end
