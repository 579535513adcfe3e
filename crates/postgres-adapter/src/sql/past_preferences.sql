-- No row: the fence refuses. One row without a value: the part is empty. Values are fetched once it is known which of them are wanted.
SELECT u.revision, u.log_begins_after, u.preference_keys, u.preference_bytes, c.key, c.value, c.revision, c.created_at, c.at
FROM users u
LEFT JOIN LATERAL (
    SELECT put.key, put.value, put.revision, put.created_at, put.at
    FROM (
        SELECT DISTINCT ON (key) key, revision, kind
        FROM changes
        WHERE user_id = u.id AND revision <= :at AND key > :after AND starts_with(key, :prefix)
        ORDER BY key, revision DESC
    ) last
    JOIN changes put ON put.user_id = u.id AND put.revision = last.revision
    WHERE last.kind = 'put'
    ORDER BY put.key
    LIMIT :limit
) c ON true
WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
ORDER BY c.key
