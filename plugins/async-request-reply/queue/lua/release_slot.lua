#!lua flags=allow-oom
-- Frees the place of a job that starts, and moves the turns on to its own.
-- KEYS[1] places   KEYS[2] turns   ARGV[1] job ID   ARGV[2] the job's turn, counted from the floor
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  local turns = redis.call('HMGET', KEYS[2], 'now', 'floor')
  if turns[2] then
    redis.call('HSET', KEYS[2], 'now', math.max(tonumber(turns[1]), tonumber(turns[2]) + tonumber(ARGV[2])))
  end
end
