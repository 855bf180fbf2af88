-- What releases let tenants change, what tenants changed, and what was decided where both changed the same.

-- Contents and schemas, each once.
create table customization_texts (
  digest text primary key constraint customization_texts_digest_is_sha256 check (digest ~ '^[0-9a-f]{64}$'),
  content text not null
);

create table customizables (
  module text not null,
  version text not null,
  name text not null,
  kind text not null constraint customizables_kind_is_known check (kind in ('document', 'text', 'hook')),
  format text not null constraint customizables_format_is_known check (format in ('json', 'yaml', 'text')),
  default_digest text not null references customization_texts (digest),
  -- Of a document its schema, of a hook the schema of its payload.
  schema_digest text references customization_texts (digest),
  formerly text,
  renamed jsonb not null default '{}',
  prefer jsonb not null default '{}',
  primary key (module, version, name),
  foreign key (module, version) references module_versions (module, version)
);

-- Entries are only ever added. What a tenant has of a version is the newest entry that no later stay superseded; going
-- back to a version finds there what was left, to the byte.
create table customizations (
  id bigint generated always as identity primary key,
  tenant text not null,
  module text not null,
  version text not null,
  name text not null,
  -- The full default that it was made against.
  base_digest text not null references customization_texts (digest),
  -- Null: the default.
  content_digest text references customization_texts (digest),
  -- Of a merge: the entry of the version before.
  source_id bigint references customizations (id),
  origin text not null constraint customizations_origin_is_known
    check (origin in ('edit', 'reset', 'merge', 'reapply', 'restore')),
  author text not null,
  report jsonb not null default '[]',
  migration_id text references migration_records (id),
  superseded_by text references migration_records (id),
  created_at timestamptz not null default clock_timestamp(),
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);
create index customizations_newest on customizations (module, version, tenant, name, id desc)
  where superseded_by is null;
create index customizations_history on customizations (tenant, module, name, id desc);
create index customizations_superseded on customizations (superseded_by) where superseded_by is not null;

create table customization_conflicts (
  digest text primary key,
  module text not null references modules (id),
  name text not null,
  kind text not null,
  path text not null,
  base jsonb,
  ours jsonb,
  theirs jsonb,
  moved_to text,
  detail text,
  from_version text not null,
  to_version text not null,
  found_at timestamptz not null default clock_timestamp()
);
create index customization_conflicts_by_module on customization_conflicts (module);

-- Who waits for a decision.
create table customization_conflict_tenants (
  digest text not null references customization_conflicts (digest) on delete cascade,
  tenant text not null,
  module text not null,
  primary key (digest, tenant),
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);
create index customization_conflict_tenants_by_tenant on customization_conflict_tenants (tenant, module);

create table recorded_resolutions (
  id text primary key,
  digest text not null references customization_conflicts (digest),
  module text not null,
  take text not null constraint recorded_resolutions_take_is_known check (take in ('tenant', 'vendor', 'value')),
  -- With "value": a list with it; an empty list: nothing is there.
  value jsonb,
  -- Null: for every tenant.
  tenant text references tenants (id),
  author text not null,
  created_at timestamptz not null default clock_timestamp(),
  revoked_at timestamptz
);
create unique index recorded_resolutions_one_holds on recorded_resolutions (digest, coalesce(tenant, ''))
  where revoked_at is null;
create index recorded_resolutions_by_module on recorded_resolutions (module, created_at desc);

create table customization_policies (
  tenant text not null,
  module text not null,
  prefer jsonb not null,
  primary key (tenant, module),
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);

-- Entries up to this one were there when the point was taken.
alter table rollback_points add column customization_mark bigint not null default 0;
