#!lua flags=allow-oom
-- Returns a callback to its list or removes it, unless its score has changed since it was taken: the job has settled, it was
-- redriven, or another worker has taken the callback.
-- KEYS[1] callbacks: sorted set of job IDs, score = when a worker next looks at the callback (ms)
-- ARGV[1] job ID
-- ARGV[2] the score that it had when it was taken
-- ARGV[3] delay before the next look (ms), '' to remove the callback
local callbacks, id, invisible_until, delay_ms = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local score = redis.call('ZSCORE', callbacks, id)
if not score or tonumber(score) ~= invisible_until then
  return
end
if delay_ms then
  redis.call('ZADD', callbacks, now_ms() + delay_ms, id)
else
  redis.call('ZREM', callbacks, id)
end
