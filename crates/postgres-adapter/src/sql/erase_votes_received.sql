-- A vote is removed behind the lock on its post, as everywhere; posts are locked in the order of their ids.
WITH locked AS MATERIALIZED (
    SELECT p.id
    FROM posts p
    WHERE p.user_id = :user AND p.id = ANY(:posts)
    ORDER BY p.id
    FOR NO KEY UPDATE
), removed AS (
    DELETE FROM votes v
    USING unnest(:posts, :voters) AS c (post_id, user_id)
    WHERE v.user_id = c.user_id AND v.post_owner_id = :user AND v.post_id = c.post_id AND (SELECT count(*) FROM locked) >= 0
    RETURNING 1
)
SELECT count(*) FROM removed
