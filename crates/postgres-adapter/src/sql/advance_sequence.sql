-- A sequence only ever moves on. A short way is walked, which nobody can interfere with. A long way is jumped: others would have to
-- hand out thousands of ids within this one expression to be set back.
SELECT CASE
    WHEN way.length > 10000 THEN setval(:sequence::regclass, :last)
    WHEN way.length > 0 THEN (SELECT max(nextval(:sequence::regclass)) FROM generate_series(1, way.length))
END
FROM (SELECT :last - COALESCE(pg_sequence_last_value(:sequence::regclass), 0) AS length) way
