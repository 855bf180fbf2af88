CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE bookings (
  id serial PRIMARY KEY,
  room int NOT NULL,
  during tstzrange NOT NULL,
  price float_range,
  EXCLUDE USING gist (room WITH =, during WITH &&)
);
INSERT INTO bookings (room, during, price) VALUES (1, '[2021-01-01,2021-01-02)', '[1.5,2.5]'), (2, '[2021-01-01,2021-01-02)', NULL);
