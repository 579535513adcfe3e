-- A vote of the user's on a post of its own has two sides and counts as cast.
SELECT
    (SELECT count(*) FROM reservations WHERE user_id = :user),
    (SELECT count(*) FROM users WHERE id = :user AND username IS NOT NULL),
    (SELECT count(*) FROM votes WHERE user_id = :user),
    (SELECT count(*) FROM votes WHERE post_owner_id = :user AND user_id <> :user),
    (SELECT count(*) FROM posts WHERE user_id = :user),
    (SELECT count(*) FROM preferences WHERE user_id = :user),
    (SELECT count(*) FROM changes WHERE user_id = :user),
    (SELECT count(*) FROM holds WHERE user_id = :user),
    (SELECT count(*) FROM attempts WHERE user_id = :user)
