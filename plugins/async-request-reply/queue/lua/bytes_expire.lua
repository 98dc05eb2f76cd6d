#!lua flags=allow-oom
-- Removes a batch of entries that have expired.
-- KEYS[1] stored   KEYS[2] bytes: see stored.lua
-- Returns how many entries it removed.
return expire_bytes({ stored = KEYS[1], bytes = KEYS[2] }, now_ms())
