#!lua flags=allow-oom
-- The circuit breaker of a queue, shared by all workers.
--   closed ──failures in a row──▶ open ──time──▶ half-open ──one probe: success──▶ closed
--                                  ▲                                └─failure─▶ open
-- KEYS[1] hash of `failures`, `open_until`, `probe_until`
-- ARGV[1] 'gate', 'success' or 'failure'   ARGV[2] failures that open it   ARGV[3] how long it stays open (ms)
-- ARGV[4] with 'gate': how long a probe may take (ms)
-- Returns with 'gate' {'go'}, {'probe'} or {'wait', ms}; with 'failure' {'opened'} or {'closed'}; with 'success' {'closed'}.
local key, threshold = KEYS[1], tonumber(ARGV[2])
if ARGV[1] == 'success' then
  redis.call('DEL', key)
  return { 'closed' }
end
local now = now_ms()
if ARGV[1] == 'failure' then
  local failures = redis.call('HINCRBY', key, 'failures', 1)
  redis.call('PEXPIRE', key, 86400000)
  if failures < threshold then
    return { 'closed' }
  end
  redis.call('HSET', key, 'open_until', now + tonumber(ARGV[3]), 'probe_until', 0)
  return { 'opened' }
end
local r = redis.call('HMGET', key, 'failures', 'open_until', 'probe_until')
if tonumber(r[1] or 0) < threshold then
  return { 'go' }
end
local open_until, probe_until = tonumber(r[2] or 0), tonumber(r[3] or 0)
if now < open_until then
  return { 'wait', tostring(open_until - now) }
end
if now < probe_until then
  return { 'wait', tostring(math.min(probe_until - now, 1000)) }
end
redis.call('HSET', key, 'probe_until', now + tonumber(ARGV[4]))
return { 'probe' }
