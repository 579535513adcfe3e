DROP TABLE attempts;
ALTER TABLE users DROP COLUMN log_begins_after;
