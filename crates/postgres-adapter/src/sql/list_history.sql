-- No row: the fence refuses. One row without a change: nothing is known of that key.
SELECT c.revision, c.key, c.kind, c.value, c.at, c.actor, c.created_at
FROM users u
LEFT JOIN LATERAL (
    SELECT * FROM changes WHERE user_id = u.id AND key = :key AND revision < :before ORDER BY revision DESC LIMIT :limit
) c ON true
WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
ORDER BY c.revision DESC
