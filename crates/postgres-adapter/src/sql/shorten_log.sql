-- Of what is not after the beginning, the last value of each key stays. Which that is, is found in one walk.
DELETE FROM changes c
WHERE c.user_id = :owner AND c.revision <= :beginning
  AND (c.kind = 'delete' OR c.revision NOT IN (
      SELECT max(revision) FROM changes WHERE user_id = :owner AND revision <= :beginning GROUP BY key))
