DROP TABLE attempts;
ALTER TABLE changes DROP COLUMN created_at;
ALTER TABLE users DROP COLUMN log_begins_after;
