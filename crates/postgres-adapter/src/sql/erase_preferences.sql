WITH chosen AS MATERIALIZED (
    SELECT id FROM preferences WHERE user_id = :user AND id > :first ORDER BY id LIMIT :limit
), removed AS (
    DELETE FROM preferences
    WHERE user_id = :user AND id > :first AND id <= (SELECT max(id) FROM chosen)
    RETURNING 1
)
SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM removed), (SELECT max(id) FROM chosen)
