SELECT p.user_id, p.id, p.key, p.value, p.revision, p.created_at, p.last_updated_at
FROM unnest(:owners, :keys) AS r (user_id, key)
JOIN preferences p ON p.user_id = r.user_id AND p.key = r.key
UNION
SELECT p.user_id, p.id, p.key, p.value, p.revision, p.created_at, p.last_updated_at
FROM unnest(:owners, :ids) AS r (user_id, id)
JOIN preferences p ON p.user_id = r.user_id AND p.id = r.id
