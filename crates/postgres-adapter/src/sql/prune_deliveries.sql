-- The time is looked at once more behind the lock: somebody may be telling it.
DELETE FROM deliveries d
USING (
    SELECT user_id, epoch, turn, endpoint
    FROM deliveries
    WHERE COALESCE(attempted_at, at) < :untold_since
    ORDER BY COALESCE(attempted_at, at)
    LIMIT 1000
) o
WHERE d.user_id = o.user_id AND d.epoch = o.epoch AND d.turn = o.turn AND d.endpoint = o.endpoint
  AND COALESCE(d.attempted_at, d.at) < :untold_since
