-- A vote is removed behind the lock on its post, as everywhere; posts are locked in the order of their ids.
WITH chosen AS MATERIALIZED (
    SELECT user_id, post_id FROM votes WHERE post_owner_id = :user ORDER BY post_id, user_id LIMIT :limit
), locked AS MATERIALIZED (
    SELECT p.id
    FROM posts p
    WHERE p.user_id = :user AND p.id IN (SELECT post_id FROM chosen)
    ORDER BY p.id
    FOR NO KEY UPDATE
)
DELETE FROM votes v
USING chosen c LEFT JOIN locked l ON l.id = c.post_id
WHERE v.user_id = c.user_id AND v.post_owner_id = :user AND v.post_id = c.post_id
