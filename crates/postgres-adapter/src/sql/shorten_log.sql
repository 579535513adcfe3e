-- Of what is not after the beginning, the last value of each key stays.
DELETE FROM changes c
WHERE c.user_id = :owner AND c.revision <= :beginning
  AND (c.kind = 'delete' OR EXISTS (
      SELECT FROM changes later
      WHERE later.user_id = :owner AND later.revision <= :beginning AND later.key = c.key AND later.revision > c.revision))
