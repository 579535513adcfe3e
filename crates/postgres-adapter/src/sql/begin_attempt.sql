-- Whoever gets the lock first is the only one until the end of its transaction; the others need not wait to learn that. Only then the row is
-- looked for: see `begin` in attempts.rs.
SELECT pg_try_advisory_xact_lock(hashtextextended(:scope, :actor))
