DELETE FROM changes
WHERE user_id = :user AND revision IN (SELECT revision FROM changes WHERE user_id = :user ORDER BY revision LIMIT :limit)
