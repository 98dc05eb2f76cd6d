#!lua flags=allow-oom
-- Applies what time has done to a job, and takes the lease of its next attempt if ARGV[1] is a token.
-- KEYS[1] record   KEYS[2] request   KEYS[3] callback   KEYS[4] settled channel
-- ARGV[1] token of the attempt, or '' to take no lease
-- ARGV[2] lease (ms)
-- ARGV[3] highest record version that the caller understands
-- Returns one of
--   {'missing'}                                                  there is no record
--   {'newer'}                                                    the record was written by a newer program
--   {'already-settled', state, owner, dead, expires_at, bytes}   the job had settled before
--   {'settled-now', state, owner, dead, expires_at, bytes}       this call has settled the job
--   {'leased-elsewhere', ms}                                     the lease of another attempt expires in so many ms
--   {'not-due', ms}                                              the job waits for its delay; without a token: its submit is not yet confirmed
--   {'open', state}                                              the job waits for an attempt (only without a token)
--   {'leased', now, field, value, …}                             the lease is taken; the fields are those of the record
local job = { record = KEYS[1], request = KEYS[2], callback = KEYS[3], settled = KEYS[4] }
local token, lease_ms, known_version = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local version, state, lease_until, attempts, max_attempts, repeatable, deadline_at, cancel, not_before, owner, dead,
  expires_at, ran, lease_token, confirm_until, unreached =
  unpack(redis.call('HMGET', job.record, 'v', 'state', 'lease_until', 'attempts', 'max_attempts', 'repeatable',
    'deadline_at', 'cancel', 'not_before', 'owner', 'dead', 'expires_at', 'ran', 'token', 'confirm_until', 'unreached'))
if not state then
  return { 'missing' }
end
if tonumber(version) > known_version then
  return { 'newer' }
end
if is_settled(state) then
  return { 'already-settled', state, owner or '', dead or '', expires_at or '0', kept_bytes(job.record) }
end
local now = now_ms()
local function leased()
  return append_record({ 'leased', tostring(now) }, job.record)
end
-- The same call again: its first reply was lost with the connection.
if state == 'running' and token ~= '' and lease_token == token then
  redis.call('HSET', job.record, 'lease_until', now + lease_ms)
  return leased()
end
if state == 'running' then
  local left = tonumber(lease_until) - now
  if left > 0 then
    return { 'leased-elsewhere', tostring(left) }
  end
  if cancel == '1' then
    return settle(job, now, state, 'cancel', false, nil)
  end
  if repeatable ~= '1' then
    return settle(job, now, state, 'fail', true, {
      code = 'outcome-unknown',
      detail = 'The worker was lost during the upstream call, and the request may not be repeated. '
        .. 'It may or may not have been processed.',
    })
  end
  state = next_state(state, 'lose')
  redis.call('HSET', job.record, 'state', state, 'token', '', 'error_code', 'upstream-failed',
    'error_detail', 'The worker was lost during the upstream call.')
end
attempts = tonumber(attempts)
if now >= tonumber(deadline_at) then
  if attempts == 0 and ran ~= '1' then
    return settle(job, now, state, 'expire', false, {
      code = 'deadline-exceeded', detail = 'The job did not start before its deadline.',
    })
  end
  return settle_exhausted(job, now, state, {
    code = 'upstream-timeout', detail = 'No attempt succeeded before the deadline.',
  })
end
if attempts - tonumber(unreached or 0) >= tonumber(max_attempts) then
  return settle_exhausted(job, now, state, {
    code = 'upstream-failed', detail = 'All attempts were used up.',
  })
end
if token == '' then
  local unconfirmed = tonumber(confirm_until or 0) - now
  if unconfirmed > 0 then
    return { 'not-due', tostring(unconfirmed) }
  end
  return { 'open', state }
end
local delay = tonumber(not_before or 0) - now
if delay > 0 then
  return { 'not-due', tostring(delay) }
end
redis.call('HSET', job.record, 'state', next_state(state, 'start'), 'attempts', attempts + 1, 'token', token,
  'lease_until', now + lease_ms)
redis.call('HSETNX', job.record, 'started_at', now)
return leased()
