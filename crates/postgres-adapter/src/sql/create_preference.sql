-- No row: the fence refuses. Why the verdict can be trusted is said in preferences.rs.
WITH verdict AS MATERIALIZED (
    SELECT u.revision, CASE
        WHEN EXISTS (SELECT FROM preferences p WHERE p.user_id = :owner AND p.key = :key) THEN 'key taken'
        WHEN u.preference_keys + 1 > :max_keys THEN 'too many keys'
        WHEN u.preference_bytes + :weight > :max_bytes THEN 'too many bytes'
        ELSE 'done'
    END AS outcome
    FROM users u
    WHERE u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
), owner AS (
    UPDATE users u
    SET revision = u.revision + 1, preference_keys = u.preference_keys + 1, preference_bytes = u.preference_bytes + :weight
    FROM verdict
    WHERE verdict.outcome = 'done' AND u.revision = verdict.revision
      AND u.id = :owner AND u.status = ANY(:states) AND u.tokens_valid_from <= :issued_at
    RETURNING u.revision
), created AS (
    INSERT INTO preferences (user_id, key, value, revision, created_at, last_updated_at)
    SELECT :owner, :key, :value, owner.revision, :now, :now FROM owner
    RETURNING id, revision
), logged AS (
    INSERT INTO changes (user_id, revision, key, kind, value, at, actor, created_at)
    SELECT :owner, owner.revision, :key, 'put', :value, :now, :actor, :now FROM owner
)
SELECT CASE WHEN verdict.outcome = 'done' AND created.id IS NULL THEN 'raced' ELSE verdict.outcome END, created.id, created.revision
FROM verdict LEFT JOIN created ON true
