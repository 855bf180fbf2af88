ALTER TABLE posts SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE posts ALTER COLUMN message SET STATISTICS 500, ALTER COLUMN props SET STORAGE EXTERNAL;
ALTER INDEX posts_created_at_idx SET (fillfactor = 70);
