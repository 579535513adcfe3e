-- What of a user's is not settled holds up what follows it. OFFSET 0 has that looked for row by row, in the key, instead of for all at once.
SELECT d.user_id, d.epoch, d.kind, d.endpoint
FROM deliveries d
WHERE d.state = 'pending' AND d.due_at <= :now AND d.endpoint = :endpoint
  AND NOT EXISTS (
    SELECT FROM deliveries e
    WHERE e.user_id = d.user_id AND (e.epoch, e.turn) < (d.epoch, d.turn) AND e.endpoint = d.endpoint AND e.state = 'pending'
    OFFSET 0)
ORDER BY d.due_at
LIMIT :limit
