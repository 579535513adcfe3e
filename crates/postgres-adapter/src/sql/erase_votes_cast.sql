-- A vote is removed behind the lock on its post, as everywhere; posts are locked in the order of their ids.
WITH chosen AS MATERIALIZED (
    SELECT * FROM unnest(:owners, :posts) AS c (post_owner_id, post_id)
), locked AS MATERIALIZED (
    SELECT p.user_id, p.id
    FROM posts p JOIN chosen c ON p.user_id = c.post_owner_id AND p.id = c.post_id
    ORDER BY p.user_id, p.id
    FOR NO KEY UPDATE OF p
), removed AS (
    DELETE FROM votes v
    USING chosen c
    WHERE v.user_id = :user AND v.post_owner_id = c.post_owner_id AND v.post_id = c.post_id AND (SELECT count(*) FROM locked) >= 0
    RETURNING v.post_owner_id, v.post_id
), counted AS (
    UPDATE posts p SET vote_count = p.vote_count - 1
    FROM removed r
    WHERE p.user_id = r.post_owner_id AND p.id = r.post_id
)
SELECT count(*) FROM removed
