-- Backups: a tenant's module in a file outside the database. What the file says of itself is signed.

create table backups (
  id text primary key,
  tenant text not null,
  module text not null,
  -- What served, and the release whose data it used.
  version text not null,
  data_version text not null,
  migration_id text not null references migration_records (id),
  reason text not null,
  -- `deleting`: its file may be gone already, and goes when it is not.
  state text not null default 'available'
    constraint backups_state_is_known check (state in ('available', 'deleting', 'deleted')),
  -- In the folder for backups.
  file text not null,
  tables integer not null,
  rows bigint not null,
  bytes bigint not null,
  sha256 text not null,
  structure_fingerprint text not null,
  data_fingerprint text not null,
  -- Writes since are counted as those since a rollback point.
  write_baseline jsonb not null,
  carried_writes jsonb not null default '[]',
  customization_mark bigint not null,
  -- The moment that it is of.
  created_at timestamptz not null,
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade,
  foreign key (module, version) references module_versions (module, version)
);
create index backups_newest on backups (created_at desc, id desc);
create index backups_by_tenant on backups (tenant, module, created_at desc) where state <> 'deleted';

-- Flag overrides, decisions and policies of the version at that moment; null: of before these were kept.
alter table rollback_points add column belongings jsonb;

-- How many copies are kept, and for how long. The empty tenant: all tenants of the module that have none of their own.
create table retention_policies (
  module text not null references modules (id),
  tenant text not null default '',
  policy jsonb not null,
  primary key (module, tenant)
);
