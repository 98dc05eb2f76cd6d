#!lua flags=allow-oom
-- Ends an attempt: the job settles with its response or its failure, or waits for another attempt.
-- KEYS[1] record   KEYS[2] request   KEYS[3] callback   KEYS[4] settled channel
-- KEYS[5] response of the attempt; not used if ARGV[3] is ''. The library derives the same name from the record.
-- ARGV[1] token of the attempt
-- ARGV[2] 'completed', 'failed', 'retry', or 'release': a retry that does not count as an attempt
-- ARGV[3] result (RUN.ATTEMPT) or ''
-- ARGV[4] upstream status or ''
-- ARGV[5] error code or ''   ARGV[6] error detail   ARGV[7] error type for Proxy-Status
-- ARGV[8] '1' to keep the request with the result
-- ARGV[9] delay before the next attempt (ms)
-- ARGV[10] with 'release': '1' if a call was made and may have arrived
-- ARGV[11] bytes of the result's body
-- ARGV[12] with 'retry', if the upstream was not reached: how many such attempts a run may have, else 0
-- Returns {'settled-now', state, owner, dead, expires_at, bytes}, {'retrying', ms}, or {'lost'} if another attempt has the lease.
local job = { record = KEYS[1], request = KEYS[2], callback = KEYS[3], settled = KEYS[4] }
local token, outcome, new_result, status = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local error_code, error_detail, error_proxy = ARGV[5], ARGV[6], ARGV[7]
local keeps_request, delay_ms, was_called = ARGV[8] == '1', ARGV[9], ARGV[10] == '1'
local result_bytes, max_unreached = ARGV[11], tonumber(ARGV[12])
local state, lease_token, cancel, result, deadline_at, attempts, max_attempts, unreached =
  unpack(redis.call('HMGET', job.record, 'state', 'token', 'cancel', 'result', 'deadline_at', 'attempts', 'max_attempts',
    'unreached'))
if state ~= 'running' or lease_token ~= token then
  return { 'lost' }
end
local now = now_ms()
if new_result ~= '' then
  if result and result ~= '' then
    redis.call('UNLINK', response_key(job.record, result))
  end
  redis.call('HSET', job.record, 'result', new_result, 'result_bytes', result_bytes)
end
if status ~= '' then
  redis.call('HSET', job.record, 'upstream_status', status)
end
local err = nil
if error_code ~= '' then
  err = { code = error_code, detail = error_detail, proxy = error_proxy }
end
if cancel == '1' then
  return settle(job, now, state, 'cancel', false, nil)
end
if outcome ~= 'retry' and outcome ~= 'release' then
  return settle(job, now, state, outcome == 'completed' and 'complete' or 'fail', keeps_request, err)
end
local not_before = now + tonumber(delay_ms)
if outcome == 'release' then
  redis.call('HINCRBY', job.record, 'attempts', -1)
  if was_called then
    redis.call('HSET', job.record, 'ran', '1')
  end
  redis.call('HSET', job.record, 'state', next_state(state, 'retry'), 'token', '', 'lease_until', 0,
    'not_before', not_before)
  return { 'retrying', delay_ms }
end
unreached = tonumber(unreached or 0)
if max_unreached > 0 then
  unreached = redis.call('HINCRBY', job.record, 'unreached', 1)
end
local is_used_up = tonumber(attempts) - unreached >= tonumber(max_attempts)
  or (max_unreached > 0 and unreached >= max_unreached)
if is_used_up or not_before >= tonumber(deadline_at) then
  return settle_exhausted(job, now, state, err)
end
redis.call('HSET', job.record, 'state', next_state(state, 'retry'), 'token', '', 'lease_until', 0,
  'not_before', not_before,
  'error_code', err and err.code or '',
  'error_detail', err and err.detail or '')
return { 'retrying', delay_ms }
