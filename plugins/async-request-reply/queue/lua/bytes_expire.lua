#!lua flags=allow-oom
-- Forgets a batch of the bytes that have gone by themselves.
-- KEYS[1] places   Returns how many jobs they were of.
return expire_bytes(KEYS[1], now_ms())
