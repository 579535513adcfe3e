-- No equation, or the server could walk the votes of everyone in the order of their posts, and pick the user's.
SELECT post_owner_id, post_id
FROM votes
WHERE (user_id, post_owner_id, post_id) > (:user, :first, :second) AND user_id <= :user
ORDER BY user_id, post_owner_id, post_id
LIMIT :limit
