-- Prepended to every script of this folder: the clock and the one way in which a job settles.

local function now_ms()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- A callback is tried for a day.
local CALLBACK_LIFE_MS = 93600000

local function is_settled(state)
  return state == 'completed' or state == 'failed' or state == 'cancelled' or state == 'expired'
end

-- The state that `event` leads to. TRANSITIONS is the table of jobs/transitions.ts, put in front of this file.
local function next_state(from, event)
  local to = TRANSITIONS[from] and TRANSITIONS[from][event]
  if not to then
    error('a job that is ' .. tostring(from) .. ' cannot ' .. event)
  end
  return to
end

-- The keys of a job share the hash tag of its record's key, which ends in ':job'.
local function sibling(job_key, suffix)
  return string.sub(job_key, 1, -4) .. suffix
end

-- The bytes of the bodies that a settled job keeps: a dead letter's request, and a result that can still be read.
local function kept_bytes(job_key)
  local r = redis.call('HMGET', job_key, 'dead', 'request_bytes', 'result', 'result_bytes', 'read_at')
  local request = r[1] == '1' and tonumber(r[2] or 0) or 0
  local is_read = r[5] and r[5] ~= ''
  local response = r[3] and r[3] ~= '' and not is_read and tonumber(r[4] or 0) or 0
  return tostring(request + response)
end

-- Ends the current run. A dead letter (failed, or `keep_request`) keeps its request as long as its result.
-- Returns what every script answers of a job that has just settled: state, owner, '1' for a dead letter, expires_at, bytes
-- that it keeps.
local function settle(job_key, now, from, event, keep_request, err)
  local state = next_state(from, event)
  local r = redis.call('HMGET', job_key, 'result_ttl', 'result', 'owner', 'callback')
  local ttl, result = tonumber(r[1]), r[2]
  local dead = (state == 'failed' or keep_request) and '1' or ''
  redis.call('HSET', job_key, 'state', state, 'settled_at', now, 'expires_at', now + ttl, 'dead', dead,
    'token', '', 'lease_until', 0, 'error_code', err and err.code or '', 'error_detail', err and err.detail or '',
    'error_proxy', err and err.proxy or '')
  redis.call('PEXPIRE', job_key, ttl)
  if result and result ~= '' then
    if state == 'completed' then
      redis.call('PEXPIRE', sibling(job_key, 'res:' .. result), ttl)
    else
      redis.call('UNLINK', sibling(job_key, 'res:' .. result))
      redis.call('HSET', job_key, 'result', '')
    end
  end
  if dead == '1' then
    redis.call('PEXPIRE', sibling(job_key, 'req'), ttl)
  else
    redis.call('UNLINK', sibling(job_key, 'req'))
  end
  -- What a callback tells of is the run that has settled here, however long the record lives.
  if r[4] and r[4] ~= '' then
    redis.call('COPY', job_key, sibling(job_key, 'callback'), 'REPLACE')
    redis.call('PEXPIRE', sibling(job_key, 'callback'), CALLBACK_LIFE_MS)
  end
  -- Whoever holds a request for it: waiting/settle-signals.ts. A user whom the ACL keeps off the channel settles all the same.
  redis.pcall('SPUBLISH', sibling(job_key, 'settled'), state)
  return { 'settled-now', state, r[3] or '', dead, tostring(now + ttl), kept_bytes(job_key) }
end

-- What a job without further attempts ends as: its last response where there is one, else `failed`. Its last
-- status was one to retry, so that it is a dead letter and keeps its request.
local function settle_exhausted(job_key, now, from, err)
  local result = redis.call('HGET', job_key, 'result')
  if result and result ~= '' then
    return settle(job_key, now, from, 'complete', true, nil)
  end
  return settle(job_key, now, from, 'fail', true, err)
end

-- The keys of a queue share the hash tag of its slots' key, which ends in ':slots'.
local function sibling_of_slots(slots_key, suffix)
  return string.sub(slots_key, 1, -6) .. suffix
end

-- The counter of the jobs of a queue that settled in the ten seconds around `at`.
local function settled_key(slots_key, at)
  return sibling_of_slots(slots_key, 'settled:' .. math.floor(at / 10000))
end

-- What is said of a queue without a place: {'full', jobs that settled in the last minute}.
local function full(slots_key, now)
  local settled = 0
  for bucket = 0, 6 do
    settled = settled + tonumber(redis.call('GET', settled_key(slots_key, now - bucket * 10000)) or 0)
  end
  return { 'full', tostring(settled) }
end
