-- Opens a new run of a dead letter: the same ID, queued, no attempts.
-- KEYS[1] record
-- Returns {'redriven', queue, owner, time to the deadline (ms), life (ms)}, {'not-dead', state} or {'missing'}.
local key = KEYS[1]
local r = redis.call('HMGET', key, 'state', 'dead', 'run', 'result', 'queue', 'owner', 'deadline_ms', 'open_ttl')
if not r[1] then
  return { 'missing' }
end
if r[2] ~= '1' or redis.call('EXISTS', sibling(key, 'req')) == 0 then
  return { 'not-dead', r[1] }
end
local now = now_ms()
if r[4] and r[4] ~= '' then
  redis.call('UNLINK', sibling(key, 'res:' .. r[4]))
end
redis.call('HSET', key, 'state', next_state(r[1], 'redrive'), 'dead', '', 'run', tonumber(r[3]) + 1, 'attempts', 0,
  'result', '', 'cancel', '', 'not_before', 0, 'ran', '', 'deadline_at', now + tonumber(r[7]), 'expires_at', now + tonumber(r[8]))
redis.call('HDEL', key, 'started_at', 'settled_at', 'upstream_status', 'error_code', 'error_detail', 'error_proxy', 'read_at', 'unreached')
redis.call('PEXPIRE', key, r[8])
redis.call('PEXPIRE', sibling(key, 'req'), r[8])
return { 'redriven', r[5], r[6], r[7], r[8] }
