#!lua flags=allow-oom
-- The circuit breaker of a queue, shared by all workers.
--   closed ──failures in a row──▶ open ──time──▶ half-open ──one probe: success──▶ closed
--                                  ▲                                └─failure─▶ open
-- KEYS[1] hash of `failures`, `open_until`, `probe_until`
-- ARGV[1] 'gate', 'success' or 'failure'
-- ARGV[2] failures in a row that open it   ARGV[3] how long it stays open (ms)
-- ARGV[4] with 'gate': how long a probe may take (ms)
-- Returns with 'gate' {'go'}, {'probe'} or {'wait', ms}; with 'failure' {'opened'} or {'closed'}; with 'success' {'closed'}.

-- Failures in a row are forgotten after a day without another one.
local FAILURES_LIFE_MS = 86400000
-- Longest wait for another worker's probe before the next look (ms).
local MAX_PROBE_WAIT_MS = 1000

local breaker, event = KEYS[1], ARGV[1]
local threshold, open_ms, probe_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if event == 'success' then
  redis.call('DEL', breaker)
  return { 'closed' }
end
local now = now_ms()
if event == 'failure' then
  local failures = redis.call('HINCRBY', breaker, 'failures', 1)
  redis.call('PEXPIRE', breaker, FAILURES_LIFE_MS)
  if failures < threshold then
    return { 'closed' }
  end
  redis.call('HSET', breaker, 'open_until', now + open_ms, 'probe_until', 0)
  return { 'opened' }
end
local failures, open_until, probe_until =
  unpack(redis.call('HMGET', breaker, 'failures', 'open_until', 'probe_until'))
if tonumber(failures or 0) < threshold then
  return { 'go' }
end
open_until, probe_until = tonumber(open_until or 0), tonumber(probe_until or 0)
if now < open_until then
  return { 'wait', tostring(open_until - now) }
end
if now < probe_until then
  return { 'wait', tostring(math.min(probe_until - now, MAX_PROBE_WAIT_MS)) }
end
redis.call('HSET', breaker, 'probe_until', now + probe_ms)
return { 'probe' }
