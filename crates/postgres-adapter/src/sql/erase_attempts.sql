DELETE FROM attempts
WHERE user_id = :user AND (actor, scope) IN (SELECT actor, scope FROM attempts WHERE user_id = :user ORDER BY actor, scope LIMIT :limit)
