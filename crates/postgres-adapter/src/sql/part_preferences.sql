-- No row: the fence refuses. One row without a preference: the part is empty.
SELECT u.revision, p.id, p.key, p.value, p.revision, p.created_at, p.last_updated_at
FROM users u
LEFT JOIN LATERAL (
    SELECT * FROM preferences WHERE user_id = u.id AND key > :after AND starts_with(key, :prefix) ORDER BY key LIMIT :limit
) p ON true
WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
ORDER BY p.key
