-- Each state for itself, in the order of its index, or the server could walk all of the outbox to find the few that failed.
SELECT d.seq, d.user_id, d.epoch, d.endpoint, d.kind, d.at, d.ext_id, d.state, d.attempts, d.due_at, d.attempted_at, d.last_answer
FROM (SELECT DISTINCT unnest(:states) AS state) s
CROSS JOIN LATERAL (
    SELECT * FROM deliveries
    WHERE (state, seq) < (s.state, :before) AND state >= s.state
    ORDER BY state DESC, seq DESC
    LIMIT :limit
) d
ORDER BY d.seq DESC
LIMIT :limit
