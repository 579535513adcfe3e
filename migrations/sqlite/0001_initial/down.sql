DROP TABLE reservations;
DROP TABLE votes;
DROP TABLE posts;
DROP TABLE changes;
DROP TABLE preferences;
DROP TABLE users;
DROP TABLE ids;
