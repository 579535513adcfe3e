-- No row: the fence refuses. One row without a change: nothing happened since. What is before the log's beginning is a set, not a log.
SELECT u.revision, u.log_begins_after, c.revision, c.key, c.kind, c.value, c.at, c.actor, c.created_at
FROM users u
LEFT JOIN LATERAL (
    SELECT * FROM changes WHERE user_id = u.id AND revision > GREATEST(:since, u.log_begins_after) ORDER BY revision LIMIT :limit
) c ON true
WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
ORDER BY c.revision
