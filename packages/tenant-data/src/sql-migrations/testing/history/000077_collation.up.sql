CREATE COLLATION IF NOT EXISTS case_insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE tags (name text COLLATE case_insensitive PRIMARY KEY, code text COLLATE "C", rank int CHECK (rank > 0));
