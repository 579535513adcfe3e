-- The user's own votes count as cast.
SELECT post_id, user_id
FROM votes
WHERE post_owner_id = :user AND (post_id, user_id) > (:first, :second) AND user_id <> :user
ORDER BY post_id, user_id
LIMIT :limit
