WITH chosen AS MATERIALIZED (
    SELECT revision FROM changes WHERE user_id = :user AND revision > :first ORDER BY revision LIMIT :limit
), removed AS (
    DELETE FROM changes
    WHERE user_id = :user AND revision > :first AND revision <= (SELECT max(revision) FROM chosen)
    RETURNING 1
)
SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM removed), (SELECT max(revision) FROM chosen)
