#!lua flags=allow-oom
-- Puts a callback back, or takes it off the list, unless another has moved it since: a settling, a redrive, a worker.
-- KEYS[1] jobs whose settling is to be told
-- ARGV[1] job ID   ARGV[2] the score that holds it   ARGV[3] delay before the next look (ms), '' where there is none
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then
  return
end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now_ms() + tonumber(ARGV[3]), ARGV[1])
end
