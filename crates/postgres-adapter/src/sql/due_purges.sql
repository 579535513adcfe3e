-- OFFSET 0 has the holds looked for user by user, in the key, instead of for all at once.
SELECT u.id, u.deletion_epoch
FROM users u
WHERE u.status = 'd' AND u.purge_at <= :now
  AND NOT EXISTS (SELECT FROM holds h WHERE h.user_id = u.id AND (h.expires_at IS NULL OR h.expires_at > :now) OFFSET 0)
ORDER BY u.purge_at, u.id
LIMIT :limit
