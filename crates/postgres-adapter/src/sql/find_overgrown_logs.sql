-- One row per user that was looked at. The second half is empty for a log that is short and young.
SELECT u.id, CASE WHEN overgrown THEN u.log_begins_after END, CASE WHEN overgrown THEN u.revision END, CASE WHEN overgrown THEN (
    SELECT min(c.revision) FROM changes c WHERE c.user_id = u.id AND c.revision > u.log_begins_after AND c.at >= :young_since
) END
FROM (SELECT id, revision, log_begins_after FROM users WHERE id > :after ORDER BY id LIMIT :limit) u
CROSS JOIN LATERAL (
    SELECT u.revision > u.log_begins_after AND (u.revision - u.log_begins_after > :max_changes OR (
        SELECT c.at FROM changes c WHERE c.user_id = u.id AND c.revision > u.log_begins_after ORDER BY c.revision LIMIT 1
    ) < :young_since) AS overgrown
) o
ORDER BY u.id
