-- No row: the fence refuses. One row without a preference: the page is empty.
SELECT u.preference_keys, p.id, p.key, p.value, p.revision, p.created_at, p.last_updated_at
FROM users u
LEFT JOIN LATERAL (
    SELECT * FROM preferences WHERE user_id = u.id ORDER BY id LIMIT :limit OFFSET :offset
) p ON true
WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
ORDER BY p.id
