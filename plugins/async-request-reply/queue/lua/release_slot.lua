#!lua flags=allow-oom
-- Frees the place of a job that starts, and moves the turns on to its own.
-- KEYS[1] places   KEYS[2] turns   ARGV[1] job ID   ARGV[2] the job's turn, counted from the base
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  local ranks = redis.call('HMGET', KEYS[2], 'current', 'base')
  if ranks[2] then
    redis.call('HSET', KEYS[2], 'current', math.max(tonumber(ranks[1]), tonumber(ranks[2]) + tonumber(ARGV[2])))
  end
end
