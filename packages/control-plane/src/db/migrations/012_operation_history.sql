-- What earlier operations took and how they ended: for estimates and statistics.

create index migration_records_by_hop on migration_records (module, from_version, to_version, finished_at desc)
  where kind = 'migrate' and status = 'succeeded';
create index rollback_points_by_migration on rollback_points (migration_id);
