#!lua flags=allow-oom
-- Releases an idempotency key whose job was rolled back.
-- KEYS[1] claim
-- ARGV[1] ID of the job; a claim of another job stays
if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then
  redis.call('UNLINK', KEYS[1])
end
