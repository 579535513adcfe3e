-- The literals are what the partial indexes say, so that nothing but what is open, due, pending or failed is read.
SELECT e.open, e.blocked, e.failed,
    (
        SELECT count(*) FROM users u
        WHERE u.status = 'd' AND u.purge_at < :overdue_since
          AND NOT EXISTS (SELECT FROM holds h WHERE h.user_id = u.id AND (h.expires_at IS NULL OR h.expires_at > :now) OFFSET 0)
    ),
    (SELECT count(*) FROM deliveries WHERE state = 'pending'),
    (SELECT count(*) FROM deliveries WHERE state = 'failed')
FROM (
    SELECT count(*) AS open, count(*) FILTER (WHERE state = :blocked) AS blocked, count(*) FILTER (WHERE state = :failed) AS failed
    FROM erasures
    WHERE state <> 'done' AND state = ANY(:open)
) e
