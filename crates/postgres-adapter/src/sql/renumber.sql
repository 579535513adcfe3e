-- All that was counted of these users keeps its distance from where their logs begin. They are locked.
WITH moved AS (
    SELECT id AS owner, :beginning - log_begins_after AS distance FROM users WHERE id = ANY(:owners)
), of_preferences AS (
    UPDATE preferences p SET revision = p.revision + distance FROM moved WHERE p.user_id = owner
), of_changes AS (
    UPDATE changes c SET revision = c.revision + distance FROM moved WHERE c.user_id = owner
)
UPDATE users u SET revision = u.revision + distance, log_begins_after = :beginning FROM moved WHERE u.id = owner
