\set ON_ERROR_STOP on
\echo adding weights
ALTER TABLE tags ADD COLUMN weight real DEFAULT 0.1;
