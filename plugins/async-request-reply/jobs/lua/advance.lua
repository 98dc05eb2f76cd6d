#!lua flags=allow-oom
-- Moves a job on as time demands, and takes the lease of its next attempt where ARGV[1] is a token.
-- KEYS[1] record
-- ARGV[1] token of the attempt, or '' to look only   ARGV[2] lease (ms)   ARGV[3] record version that is understood
-- Returns one of
--   {'missing'}               no record
--   {'newer'}                 a record of a newer program: leave it to others
--   {'already-settled', state, owner, dead, expires_at, bytes}   it had settled before
--   {'settled-now', state, owner, dead, expires_at, bytes}    this call settled it
--   {'leased-elsewhere', ms}  another attempt's lease runs for so long yet
--   {'not-due', ms}           waiting, and its delay has so long to go; without a token: whoever accepts it is not done
--   {'open', state}           waiting (only without a token)
--   {'leased', now, field, value, …}   the lease is taken; the fields are the record's
local key = KEYS[1]
local r = redis.call('HMGET', key, 'v', 'state', 'lease_until', 'attempts', 'max_attempts', 'repeatable',
  'deadline_at', 'cancel', 'not_before', 'owner', 'dead', 'expires_at', 'ran', 'token', 'confirm_until', 'unreached')
if not r[2] then
  return { 'missing' }
end
if tonumber(r[1]) > tonumber(ARGV[3]) then
  return { 'newer' }
end
local state, attempts = r[2], tonumber(r[4])
if is_settled(state) then
  return { 'already-settled', state, r[10] or '', r[11] or '', r[12] or '0', kept_bytes(key) }
end
local now = now_ms()
local function leased()
  local reply = { 'leased', tostring(now) }
  for _, item in ipairs(redis.call('HGETALL', key)) do
    reply[#reply + 1] = item
  end
  return reply
end
-- The same call again, since its first answer was lost with the connection.
if state == 'running' and ARGV[1] ~= '' and r[14] == ARGV[1] then
  redis.call('HSET', key, 'lease_until', now + tonumber(ARGV[2]))
  return leased()
end
if state == 'running' then
  local left = tonumber(r[3]) - now
  if left > 0 then
    return { 'leased-elsewhere', tostring(left) }
  end
  if r[8] == '1' then
    return settle(key, now, state, 'cancel', false, nil)
  end
  if r[6] ~= '1' then
    return settle(key, now, state, 'fail', true, {
      code = 'outcome-unknown',
      detail = 'The worker was lost during the upstream call, and the request may not be repeated. '
        .. 'It may or may not have been processed.',
    })
  end
  state = next_state(state, 'lose')
  redis.call('HSET', key, 'state', state, 'token', '', 'error_code', 'upstream-failed',
    'error_detail', 'The worker was lost during the upstream call.')
end
if now >= tonumber(r[7]) then
  if attempts == 0 and r[13] ~= '1' then
    return settle(key, now, state, 'expire', false, {
      code = 'deadline-exceeded', detail = 'The job did not start before its deadline.',
    })
  end
  return settle_exhausted(key, now, state, {
    code = 'upstream-timeout', detail = 'No attempt succeeded before the deadline.',
  })
end
if attempts - tonumber(r[16] or 0) >= tonumber(r[5]) then
  return settle_exhausted(key, now, state, {
    code = 'upstream-failed', detail = 'All attempts were used up.',
  })
end
if ARGV[1] == '' then
  local unconfirmed = tonumber(r[15] or 0) - now
  if unconfirmed > 0 then
    return { 'not-due', tostring(unconfirmed) }
  end
  return { 'open', state }
end
local delay = tonumber(r[9] or 0) - now
if delay > 0 then
  return { 'not-due', tostring(delay) }
end
redis.call('HSET', key, 'state', next_state(state, 'start'), 'attempts', attempts + 1, 'token', ARGV[1],
  'lease_until', now + tonumber(ARGV[2]))
redis.call('HSETNX', key, 'started_at', now)
return leased()
