#!lua flags=allow-oom
-- Gives an idempotency key back whose job was taken back.
-- KEYS[1] claim   ARGV[1] job ID that it must name
if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then
  redis.call('UNLINK', KEYS[1])
end
