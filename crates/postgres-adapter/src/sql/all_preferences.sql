-- No row: the fence refuses. One row without a preference: there are none.
SELECT u.revision, p.id, p.key, p.value, p.revision, p.created_at, p.last_updated_at
FROM users u
LEFT JOIN preferences p ON p.user_id = u.id
WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
ORDER BY p.key
