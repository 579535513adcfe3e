-- Moves all that was counted of these users, who are locked.
WITH moved AS (
    SELECT * FROM unnest(:owners, :distances) AS u (owner, distance)
), of_preferences AS (
    UPDATE preferences p SET revision = p.revision + distance FROM moved WHERE p.user_id = owner
), of_changes AS (
    UPDATE changes c SET revision = c.revision + distance FROM moved WHERE c.user_id = owner
)
UPDATE users u SET revision = u.revision + distance, log_begins_after = u.log_begins_after + distance FROM moved WHERE u.id = owner
