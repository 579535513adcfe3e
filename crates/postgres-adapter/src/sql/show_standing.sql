-- No row: the fence refuses.
SELECT u.revision, u.log_begins_after, u.preference_keys, u.preference_bytes
FROM users u
WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
