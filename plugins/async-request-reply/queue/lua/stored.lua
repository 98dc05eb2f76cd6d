-- Prepended after record.lua to the scripts that count the bytes of the bodies that are stored for a queue.
--   `…:stored`  sorted set of job IDs, score = when the bytes of a job go by themselves (ms)
--   `…:bytes`   hash of how many they are by job ID, and of their `total`
-- Both are in the queue's slot, change in one step, and live as long as the last entry: the total is always what the
-- entries come to. They are found by the places' key.

-- As many entries as are forgotten in one go.
local EXPIRE_BATCH = 500

local function stored_keys(slots_key)
  return sibling_of_slots(slots_key, 'stored'), sibling_of_slots(slots_key, 'bytes')
end

-- The bytes that are counted for a job, nil where none are (0 is an entry too), and the total.
local function bytes_of(slots_key, id)
  local _, bytes = stored_keys(slots_key)
  local r = redis.call('HMGET', bytes, id, 'total')
  return r[1] and tonumber(r[1]) or nil, tonumber(r[2] or 0)
end

-- `before` and `total` as bytes_of gives them.
local function put_bytes(slots_key, now, id, size, expires_at, before, total)
  local stored, bytes = stored_keys(slots_key)
  redis.call('HSET', bytes, id, size, 'total', total + size - (before or 0))
  redis.call('ZADD', stored, expires_at, id)
  if redis.call('PTTL', stored) < expires_at - now then
    redis.call('PEXPIREAT', stored, expires_at)
    redis.call('PEXPIREAT', bytes, expires_at)
  end
end

-- Forgets these jobs, which have so many bytes together.
local function drop_bytes(slots_key, ids, size)
  local stored, bytes = stored_keys(slots_key)
  redis.call('ZREM', stored, unpack(ids))
  if redis.call('EXISTS', stored) == 0 then
    redis.call('UNLINK', bytes)
  else
    redis.call('HDEL', bytes, unpack(ids))
    -- Not `-size`: that of 0 reads `-0`, which Redis takes for no number.
    redis.call('HINCRBY', bytes, 'total', 0 - size)
  end
end

-- Forgets what has gone by itself, at most a batch. Returns how many entries that were.
local function expire_bytes(slots_key, now)
  local stored, bytes = stored_keys(slots_key)
  local ids = redis.call('ZRANGEBYSCORE', stored, '-inf', now, 'LIMIT', 0, EXPIRE_BATCH)
  if #ids == 0 then
    return 0
  end
  local gone = 0
  for _, size in ipairs(redis.call('HMGET', bytes, unpack(ids))) do
    gone = gone + tonumber(size or 0)
  end
  drop_bytes(slots_key, ids, gone)
  return #ids
end

-- Takes room for the body of a job that is not there yet, where a queue has it: `most` bytes, 0 for no limit. One that
-- has that many already has none, not even for no bytes: a job without a request's body will have a response's. With
-- `is_once` what is counted stays as it is: that of an upload, or of a job that somebody else is making.
-- Returns nothing, or the refusal: {'bytes-full', ms until some bytes go by themselves}.
local function reserve_bytes(slots_key, now, id, size, most, expires_at, is_once)
  local stored = stored_keys(slots_key)
  local before, total = bytes_of(slots_key, id)
  if is_once and before and tonumber(redis.call('ZSCORE', stored, id)) > now then
    return
  end
  while most > 0 and (not before or size > before) and (total >= most or total + size - (before or 0) > most) do
    if expire_bytes(slots_key, now) == 0 then
      local first = redis.call('ZRANGE', stored, 0, 0, 'WITHSCORES')
      return { 'bytes-full', tostring(first[2] and math.ceil(tonumber(first[2])) - now or 0) }
    end
    before, total = bytes_of(slots_key, id)
  end
  put_bytes(slots_key, now, id, size, expires_at, before, total)
end
