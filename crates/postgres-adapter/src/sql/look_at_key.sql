-- No row: the fence refuses. A row without a preference: there is none of that key.
SELECT u.revision, u.log_begins_after, u.preference_keys, u.preference_bytes, p.id, p.key, p.value, p.revision, p.created_at, p.last_updated_at
FROM users u
LEFT JOIN preferences p ON p.user_id = u.id AND p.key = :key
WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
