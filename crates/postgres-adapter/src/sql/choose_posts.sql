-- No equation, or the server could walk the posts of everyone in the order of their ids, and pick the user's.
SELECT id
FROM posts
WHERE (user_id, id) > (:user, :first) AND user_id <= :user
ORDER BY user_id, id
LIMIT :limit
FOR UPDATE
