-- Opens a new run of a dead letter. The job keeps its ID, is queued and has no attempts.
-- KEYS[1] record   KEYS[2] request
-- Returns {'redriven', queue, owner, time to the deadline (ms), life (ms)}, {'not-dead', state} or {'missing'}.
local record, request = KEYS[1], KEYS[2]
local state, dead, run, result, queue, owner, deadline_ms, open_ttl =
  unpack(redis.call('HMGET', record, 'state', 'dead', 'run', 'result', 'queue', 'owner', 'deadline_ms', 'open_ttl'))
if not state then
  return { 'missing' }
end
if dead ~= '1' or redis.call('EXISTS', request) == 0 then
  return { 'not-dead', state }
end
local now = now_ms()
if result and result ~= '' then
  redis.call('UNLINK', response_key(record, result))
end
redis.call('HSET', record,
  'state', next_state(state, 'redrive'),
  'dead', '',
  'run', tonumber(run) + 1,
  'attempts', 0,
  'result', '',
  'cancel', '',
  'not_before', 0,
  'ran', '',
  'deadline_at', now + tonumber(deadline_ms),
  'expires_at', now + tonumber(open_ttl))
redis.call('HDEL', record, 'started_at', 'settled_at', 'upstream_status', 'error_code', 'error_detail', 'error_proxy',
  'read_at', 'unreached')
redis.call('PEXPIRE', record, open_ttl)
redis.call('PEXPIRE', request, open_ttl)
return { 'redriven', queue, owner, deadline_ms, open_ttl }
