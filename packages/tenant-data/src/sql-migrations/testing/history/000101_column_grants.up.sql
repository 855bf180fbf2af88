GRANT SELECT (id, name), UPDATE (name) ON users TO PUBLIC;
