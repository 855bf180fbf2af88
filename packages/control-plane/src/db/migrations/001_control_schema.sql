-- The control data: what is published, who uses which version, and what is being done about it.
-- Runs with search_path = aibos. Times are timestamptz; identifiers are text that was validated at the edge.

create table installation (
  one boolean primary key default true constraint installation_is_one check (one),
  id text not null constraint installation_id_is_hex check (id ~ '^[0-9a-f]{8}$'),
  -- Other secrets (context keys, passwords of version roles) are derived from this one.
  secret text not null,
  -- Names this route feed: a gateway that knows another one starts over.
  feed text not null,
  created_at timestamptz not null default now()
);

create table data_stores (
  name text primary key,
  -- Null: this database.
  url text,
  created_at timestamptz not null default now()
);
insert into data_stores (name) values ('default');

create table modules (
  id text primary key,
  title text not null,
  created_at timestamptz not null default now()
);

create table artifacts (
  digest text primary key constraint artifacts_digest_is_sha256 check (digest ~ '^[0-9a-f]{64}$'),
  content bytea not null,
  created_at timestamptz not null default now()
);
-- Archives are compressed already.
alter table artifacts alter column content set storage external;

create table module_versions (
  module text not null references modules (id),
  version text not null,
  -- Orders versions by semver precedence, as text in the C collation.
  sort_key text collate "C" not null,
  title text not null,
  manifest jsonb not null,
  digest text not null references artifacts (digest),
  size_bytes bigint not null,
  -- [{"number": 1, "name": "customers", "checksum": "<sha256 of the up file>"}], ascending.
  migrations jsonb not null,
  -- Where it runs, for the runtime driver "external".
  external_url text,
  published_at timestamptz not null default now(),
  primary key (module, version),
  constraint module_versions_sort_key_is_unique unique (module, sort_key)
);

create table version_compatibility (
  module text not null,
  from_version text not null,
  to_version text not null,
  level text not null,
  risk_level text not null,
  detail jsonb not null default '{}',
  assessed_at timestamptz not null default now(),
  primary key (module, from_version, to_version),
  foreign key (module, from_version) references module_versions (module, version),
  foreign key (module, to_version) references module_versions (module, version)
);

create table feature_flags (
  module text not null,
  version text not null,
  key text not null,
  definition jsonb not null,
  primary key (module, version, key),
  foreign key (module, version) references module_versions (module, version)
);

create table tenants (
  id text primary key,
  title text not null,
  labels jsonb not null default '{}',
  state text not null default 'active' constraint tenants_state_is_known check (state in ('active', 'suspended')),
  data_store text not null default 'default' references data_stores (name),
  created_at timestamptz not null default now()
);
create index tenants_labels on tenants using gin (labels jsonb_path_ops);

create table migration_records (
  id text primary key,
  tenant text not null references tenants (id),
  module text not null references modules (id),
  kind text not null,
  from_version text,
  to_version text,
  path text[] not null default '{}',
  status text not null constraint migration_records_status_is_known
    check (status in ('scheduled', 'running', 'succeeded', 'failed', 'rolled-back')),
  -- The operation as it was asked for.
  request jsonb not null,
  -- The steps that it is made of, decided when it starts: a restarted process follows the same plan.
  plan jsonb not null default '[]',
  failure jsonb,
  result jsonb not null default '{}',
  scheduled_time timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  constraint migration_records_finished_is_final
    check ((finished_at is not null) = (status in ('succeeded', 'failed', 'rolled-back')))
);
create index migration_records_by_tenant on migration_records (tenant, module, created_at desc);
create index migration_records_newest on migration_records (created_at desc, id desc);
create index migration_records_unfinished on migration_records (id) where finished_at is null;

create table migration_steps (
  migration_id text not null references migration_records (id) on delete cascade,
  position integer not null,
  name text not null,
  title text not null,
  status text not null constraint migration_steps_status_is_known
    check (status in ('running', 'succeeded', 'failed', 'undone')),
  checksum text,
  detail jsonb not null default '{}',
  error text,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (migration_id, position)
);

-- One tenant's use of one module: where its data is, and the fence around it. An operation owns it by `migration_id`;
-- `epoch` grows each time that a process takes the operation up, so that a process which lost it can't write.
create table tenant_modules (
  tenant text not null references tenants (id),
  module text not null references modules (id),
  schema_name text not null constraint tenant_modules_schema_is_own unique,
  role_name text not null,
  -- The release whose tables the data has; null until the first ones are there.
  data_version text,
  epoch bigint not null default 0,
  migration_id text references migration_records (id),
  created_at timestamptz not null default now(),
  primary key (tenant, module),
  foreign key (module, data_version) references module_versions (module, version)
);

create table tenant_module_instances (
  id text primary key,
  tenant text not null,
  module text not null,
  version text not null,
  status text not null constraint tenant_module_instances_status_is_known
    check (status in ('provisioning', 'active', 'standby', 'draining', 'retired')),
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade,
  foreign key (module, version) references module_versions (module, version)
);
create unique index tenant_module_instances_live on tenant_module_instances (tenant, module, version)
  where status <> 'retired';
create index tenant_module_instances_by_version on tenant_module_instances (module, version)
  where status <> 'retired';

create table version_routing (
  tenant text not null,
  module text not null,
  version text not null,
  -- Share of users in 1/10,000.
  weight integer not null constraint version_routing_weight_is_a_share check (weight between 0 and 10000),
  updated_at timestamptz not null default now(),
  primary key (tenant, module, version),
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);

create table route_holds (
  tenant text not null,
  module text not null,
  migration_id text not null references migration_records (id),
  reason text not null,
  max_wait_ms integer not null,
  retry_after_seconds integer not null,
  since timestamptz not null default clock_timestamp(),
  primary key (tenant, module),
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);

-- The route feed. The head's row lock, held until commit, makes revisions appear in their order and without gaps.
create table route_head (
  one boolean primary key default true constraint route_head_is_one check (one),
  revision bigint not null default 0
);
insert into route_head default values;

create table route_changes (
  revision bigint primary key,
  changes jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);

create table gateways (
  id text primary key,
  url text not null,
  applied_revision bigint not null default 0,
  draining jsonb not null default '[]',
  seen_at timestamptz not null default clock_timestamp()
);

create table control_plane_processes (
  id text primary key,
  host text not null,
  -- The data folder: the process that has it locked may take over at once what another one left there.
  home text not null,
  pid integer not null,
  state text not null default 'live' constraint control_plane_processes_state_is_known
    check (state in ('live', 'stopped', 'dead')),
  started_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp()
);

create table deployments (
  module text not null,
  version text not null,
  -- The control-plane process whose runtime driver runs it; null: nobody's.
  owner text references control_plane_processes (id),
  state text not null default 'stopped',
  url text,
  pid integer,
  restarts integer not null default 0,
  last_error text,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (module, version),
  foreign key (module, version) references module_versions (module, version)
);

create table rollback_points (
  id text primary key,
  tenant text not null references tenants (id),
  module text not null references modules (id),
  -- The version that served, and the release whose tables the copy has.
  version text not null,
  data_version text not null,
  migration_id text references migration_records (id),
  reason text not null,
  state text not null default 'available' constraint rollback_points_state_is_known
    check (state in ('available', 'restored', 'dropped')),
  schema_name text not null,
  tables integer not null,
  rows bigint not null,
  bytes bigint not null,
  structure_fingerprint text not null,
  data_fingerprint text not null,
  -- Where counting the writes since then begins, and what was counted before data was last rewritten by an operation.
  write_baseline jsonb not null,
  carried_writes jsonb not null default '[]',
  created_at timestamptz not null default clock_timestamp()
);
create index rollback_points_newest on rollback_points (tenant, module, created_at desc, id desc);
