CREATE TYPE point3 AS (x float8, y float8, z float8);
CREATE TABLE points OF point3 (PRIMARY KEY (x, y, z));
INSERT INTO points VALUES (1, 2, 'NaN'), ('-Infinity', 1e-300, 0.1);
