DROP TABLE votes, posts, changes, preferences, reservations, users;
