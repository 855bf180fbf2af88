CREATE TABLE blobs (id int PRIMARY KEY, data bytea COMPRESSION pglz);
INSERT INTO blobs SELECT n, decode(repeat(md5(n::text), 200), 'hex') FROM generate_series(1, 5) n;
