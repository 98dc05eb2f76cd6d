#!lua flags=allow-oom
-- Ends an attempt: with its response or its failure the job settles, or waits for another attempt.
-- KEYS[1] record
-- ARGV[1] token of the attempt   ARGV[2] 'completed', 'failed', 'retry', or 'release': a retry that does
-- not count as an attempt
-- ARGV[3] result (RUN.ATTEMPT) or ''   ARGV[4] upstream status or ''
-- ARGV[5] error code or ''   ARGV[6] error detail   ARGV[7] error type for Proxy-Status
-- ARGV[8] '1' where the request is kept with the result   ARGV[9] delay before the next attempt (ms)
-- ARGV[10] with 'release': '1' where a call was made and may have arrived   ARGV[11] bytes of the result's body
-- ARGV[12] with 'retry', where the upstream was not reached: how many such attempts a run may have, else 0
-- Returns {'settled-now', state, owner, dead, expires_at, bytes}, {'retrying', ms}, or {'lost'} where the lease is another's.
local key = KEYS[1]
local r = redis.call('HMGET', key, 'state', 'token', 'cancel', 'result', 'deadline_at', 'attempts', 'max_attempts',
  'unreached')
if r[1] ~= 'running' or r[2] ~= ARGV[1] then
  return { 'lost' }
end
local now = now_ms()
if ARGV[3] ~= '' then
  if r[4] and r[4] ~= '' then
    redis.call('UNLINK', sibling(key, 'res:' .. r[4]))
  end
  redis.call('HSET', key, 'result', ARGV[3], 'result_bytes', ARGV[11])
end
if ARGV[4] ~= '' then
  redis.call('HSET', key, 'upstream_status', ARGV[4])
end
local err = nil
if ARGV[5] ~= '' then
  err = { code = ARGV[5], detail = ARGV[6], proxy = ARGV[7] }
end
if r[3] == '1' then
  return settle(key, now, r[1], 'cancel', false, nil)
end
if ARGV[2] ~= 'retry' and ARGV[2] ~= 'release' then
  return settle(key, now, r[1], ARGV[2] == 'completed' and 'complete' or 'fail', ARGV[8] == '1', err)
end
local at = now + tonumber(ARGV[9])
if ARGV[2] == 'release' then
  redis.call('HINCRBY', key, 'attempts', -1)
  if ARGV[10] == '1' then
    redis.call('HSET', key, 'ran', '1')
  end
  redis.call('HSET', key, 'state', next_state(r[1], 'retry'), 'token', '', 'lease_until', 0, 'not_before', at)
  return { 'retrying', ARGV[9] }
end
local unreached, most_unreached = tonumber(r[8] or 0), tonumber(ARGV[12])
if most_unreached > 0 then
  unreached = redis.call('HINCRBY', key, 'unreached', 1)
end
local is_used_up = tonumber(r[6]) - unreached >= tonumber(r[7])
  or (most_unreached > 0 and unreached >= most_unreached)
if is_used_up or at >= tonumber(r[5]) then
  return settle_exhausted(key, now, r[1], err)
end
redis.call('HSET', key, 'state', next_state(r[1], 'retry'), 'token', '', 'lease_until', 0, 'not_before', at,
  'error_code', err and err.code or '', 'error_detail', err and err.detail or '')
return { 'retrying', ARGV[9] }
