DELETE FROM preferences
WHERE user_id = :user AND id IN (SELECT id FROM preferences WHERE user_id = :user ORDER BY id LIMIT :limit)
