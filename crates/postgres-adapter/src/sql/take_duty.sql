INSERT INTO duties (name, holder, until)
VALUES (:duty, :node, :until)
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, until = excluded.until
WHERE duties.until <= :now OR duties.holder = :node
