-- Library of the scripts that count the bytes of the bodies that are stored for a queue.
--
-- `quota` is a table with the names of two keys:
--   `stored`  sorted set of job IDs, score = when the bodies of the job expire (ms)
--   `bytes`   hash of their bytes by job ID, and of the `total`
-- Both change in one step and live as long as the last entry, so that the total is always the sum of the entries.

-- Most entries that are removed in one step.
local EXPIRE_BATCH = 500

-- The bytes that are counted for a job, nil if it has no entry (an entry may be 0), and the total.
local function bytes_of(quota, id)
  local bytes, total = unpack(redis.call('HMGET', quota.bytes, id, 'total'))
  return bytes and tonumber(bytes) or nil, tonumber(total or 0)
end

-- `before` and `total` as bytes_of returns them.
local function put_bytes(quota, now, id, size, expires_at, before, total)
  redis.call('HSET', quota.bytes, id, size, 'total', total + size - (before or 0))
  redis.call('ZADD', quota.stored, expires_at, id)
  if redis.call('PTTL', quota.stored) < expires_at - now then
    redis.call('PEXPIREAT', quota.stored, expires_at)
    redis.call('PEXPIREAT', quota.bytes, expires_at)
  end
end

-- Removes the entries of these jobs, which have `size` bytes together.
local function drop_bytes(quota, ids, size)
  redis.call('ZREM', quota.stored, unpack(ids))
  if redis.call('EXISTS', quota.stored) == 0 then
    redis.call('UNLINK', quota.bytes)
  else
    redis.call('HDEL', quota.bytes, unpack(ids))
    -- Not `-size`: for 0 that is `-0`, which Redis does not accept as a number.
    redis.call('HINCRBY', quota.bytes, 'total', 0 - size)
  end
end

-- A batch of entries that have expired, from the given one on: their IDs and their bytes together.
local function expired_bytes(quota, now, offset)
  local ids = redis.call('ZRANGEBYSCORE', quota.stored, '-inf', now, 'LIMIT', offset, EXPIRE_BATCH)
  local size = 0
  if #ids > 0 then
    for _, bytes in ipairs(redis.call('HMGET', quota.bytes, unpack(ids))) do
      size = size + tonumber(bytes or 0)
    end
  end
  return ids, size
end

-- Removes a batch of entries that have expired. Returns how many it removed.
local function expire_bytes(quota, now)
  local ids, size = expired_bytes(quota, now, 0)
  if #ids > 0 then
    drop_bytes(quota, ids, size)
  end
  return #ids
end

-- Reserves bytes for the body of a job that is not yet created. `most` is the limit of the queue, 0 for none. A queue that has
-- reached its limit rejects even a job without a body, since the job will have a response. With `is_once` an entry that has
-- not expired stays as it is: it is that of an upload, or of another submit of the same job.
-- Returns nil, or the refusal: {'bytes-full', ms until the next entry expires}
local function reserve_bytes(quota, now, id, size, most, expires_at, is_once)
  local before, total = bytes_of(quota, id)
  if is_once and before and tonumber(redis.call('ZSCORE', quota.stored, id)) > now then
    return nil
  end
  while most > 0 and (not before or size > before) and (total >= most or total + size - (before or 0) > most) do
    if expire_bytes(quota, now) == 0 then
      local first = redis.call('ZRANGE', quota.stored, 0, 0, 'WITHSCORES')
      return { 'bytes-full', tostring(first[2] and math.ceil(tonumber(first[2])) - now or 0) }
    end
    before, total = bytes_of(quota, id)
  end
  put_bytes(quota, now, id, size, expires_at, before, total)
  return nil
end

