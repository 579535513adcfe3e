WITH appended AS (
    INSERT INTO audit (seq, at, action, subject, actor, reference, hash)
    SELECT * FROM unnest(:numbers, :moments, :actions, :subjects, :actors, :references, :hashes)
)
UPDATE audit_head SET seq = :last, hash = :last_hash WHERE id = 1
