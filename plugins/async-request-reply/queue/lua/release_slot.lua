#!lua flags=allow-oom
-- Releases the slot of a job that starts, and moves the current rank on to the job's own.
-- KEYS[1] slots   KEYS[2] ranks: see reserve.lua
-- ARGV[1] job ID   ARGV[2] the job's rank, counted from the base
local slots, ranks, id, rank = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
if redis.call('ZREM', slots, id) == 1 then
  local current, base = unpack(redis.call('HMGET', ranks, 'current', 'base'))
  if base then
    redis.call('HSET', ranks, 'current', math.max(tonumber(current), tonumber(base) + rank))
  end
end
