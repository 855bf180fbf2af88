-- What earlier operations took and how they ended: for estimates and statistics.

create index migration_records_by_hop on migration_records (module, from_version, to_version, finished_at desc)
  where kind = 'migrate' and status = 'succeeded';
create index rollback_points_by_migration on rollback_points (migration_id);
-- All that counting migrations needs, so that the records themselves are not read.
create index migration_records_statistics on migration_records (module, kind, status)
  include (from_version, to_version, started_at, finished_at);
create index tenant_module_instances_history on tenant_module_instances (module) include (version, created_at, retired_at);
