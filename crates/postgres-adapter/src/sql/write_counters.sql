UPDATE users u
SET revision = r.revision, preference_keys = r.keys, preference_bytes = r.bytes
FROM unnest(:owners, :revisions, :counts, :sizes) AS r (user_id, revision, keys, bytes)
WHERE u.id = r.user_id
