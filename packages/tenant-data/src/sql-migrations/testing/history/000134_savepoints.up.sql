BEGIN;
SAVEPOINT before_insert;
INSERT INTO tags VALUES ('One', 'o', 1);
ROLLBACK TO SAVEPOINT before_insert;
INSERT INTO tags VALUES ('Two', 't', 2);
RELEASE SAVEPOINT before_insert;
COMMIT;
