-- Library of the scripts on a job's record: how a job settles, and what they share. It needs the tables and
-- constants TRANSITIONS and CALLBACK_LIFE_MS (jobs/script-libraries.ts).
--
-- `job` is a table with the names of the job's keys: `record`, `request`, `callback` and `settled` (the channel).

local function is_settled(state)
  return state == 'completed' or state == 'failed' or state == 'cancelled' or state == 'expired'
end

-- The state that `event` leads to.
local function next_state(from, event)
  local to = TRANSITIONS[from] and TRANSITIONS[from][event]
  if not to then
    error('a job that is ' .. tostring(from) .. ' cannot ' .. event)
  end
  return to
end

-- The key of the response that a record names as `RUN.ATTEMPT` (KeySpace.response in redis/keys.ts).
--
-- This is the one key of a job that scripts derive. A caller that knows the response passes its key in KEYS: settle.lua the
-- response of the attempt, consume.lua the result. The response of an earlier attempt stands in the record alone, and a caller
-- that read it first would need another round trip and could be out of date.
-- Redis does not check undeclared keys. On a Redis Cluster the key has to be in the slot of the declared keys: it has the
-- hash tag of the record. Dragonfly rejects undeclared keys unless it runs with --cluster_mode=emulated --lock_on_hashtags or
-- with --default_lua_flags=allow-undeclared-keys. BullMQ's own scripts need one of the two as well.
local function response_key(record, result)
  return string.sub(record, 1, -#':job' - 1) .. ':res:' .. result
end

-- Leaves a record that is no job and expires. A late write of the submit finds it and writes nothing.
local function write_tombstone(record, life_ms)
  redis.call('HSET', record, 'v', 0, 'state', 'cancelled', 'queue', '')
  redis.call('PEXPIRE', record, life_ms)
end

-- Appends all fields and values of the record to a reply.
local function append_record(reply, record)
  for _, item in ipairs(redis.call('HGETALL', record)) do
    reply[#reply + 1] = item
  end
  return reply
end

-- The bytes of the bodies that a settled job keeps: the request of a dead letter, and a result that can still be read.
local function kept_bytes(record)
  local dead, request_bytes, result, result_bytes, read_at =
    unpack(redis.call('HMGET', record, 'dead', 'request_bytes', 'result', 'result_bytes', 'read_at'))
  local request = dead == '1' and tonumber(request_bytes or 0) or 0
  local is_read = read_at and read_at ~= ''
  local response = result and result ~= '' and not is_read and tonumber(result_bytes or 0) or 0
  return tostring(request + response)
end

-- Ends the current run. A dead letter (`failed`, or any state with `keep_request`) keeps its request as long as its record.
-- Returns what each script returns for a job that it has settled:
-- {'settled-now', state, owner, '1' for a dead letter, expires_at, bytes that the job keeps}
local function settle(job, now, from, event, keep_request, err)
  local state = next_state(from, event)
  local result_ttl, result, owner, callback =
    unpack(redis.call('HMGET', job.record, 'result_ttl', 'result', 'owner', 'callback'))
  local ttl = tonumber(result_ttl)
  local dead = (state == 'failed' or keep_request) and '1' or ''
  redis.call('HSET', job.record,
    'state', state,
    'settled_at', now,
    'expires_at', now + ttl,
    'dead', dead,
    'token', '',
    'lease_until', 0,
    'error_code', err and err.code or '',
    'error_detail', err and err.detail or '',
    'error_proxy', err and err.proxy or '')
  redis.call('PEXPIRE', job.record, ttl)
  if result and result ~= '' then
    if state == 'completed' then
      redis.call('PEXPIRE', response_key(job.record, result), ttl)
    else
      redis.call('UNLINK', response_key(job.record, result))
      redis.call('HSET', job.record, 'result', '')
    end
  end
  if dead == '1' then
    redis.call('PEXPIRE', job.request, ttl)
  else
    redis.call('UNLINK', job.request)
  end
  -- The callback reports this run, however long the record lives and whatever a redrive makes of it.
  if callback and callback ~= '' then
    redis.call('COPY', job.record, job.callback, 'REPLACE')
    redis.call('PEXPIRE', job.callback, CALLBACK_LIFE_MS)
  end
  -- Wakes the requests that wait for the job (waiting/settle-signals.ts). The job settles even if the ACL refuses the channel.
  redis.pcall('SPUBLISH', job.settled, state)
  return { 'settled-now', state, owner or '', dead, tostring(now + ttl), kept_bytes(job.record) }
end

-- Settles a job that has no attempts left: with its last response if there is one, else as `failed`. The status of that
-- response was one to retry, so the job is a dead letter and keeps its request.
local function settle_exhausted(job, now, from, err)
  local result = redis.call('HGET', job.record, 'result')
  if result and result ~= '' then
    return settle(job, now, from, 'complete', true, nil)
  end
  return settle(job, now, from, 'fail', true, err)
end

