-- That none is done says the index, too, which therefore holds nothing but what is open.
SELECT user_id
FROM erasures
WHERE state <> 'done' AND state = ANY(:states) AND (lease_until <= :now OR lease_holder = :node)
ORDER BY lease_until, user_id
LIMIT :limit
