-- Force upgrades: moving a fleet of tenants to a version, in waves and batches.

-- What a tenant lets happen to a module without being asked, when, and whom to tell.
create table upgrade_policies (
  tenant text not null,
  module text not null,
  policy jsonb not null,
  primary key (tenant, module),
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);

create table upgrade_consents (
  tenant text not null,
  module text not null,
  version text not null,
  given_at timestamptz not null default clock_timestamp(),
  primary key (tenant, module, version),
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);

create table fleet_upgrades (
  id text primary key,
  module text not null references modules (id),
  version text not null,
  -- What was asked for.
  options jsonb not null,
  -- Waves with their tenants and batches, decided when it was planned.
  waves jsonb not null,
  -- Where it is: the state of the domain's machine.
  state jsonb not null,
  -- What measurements said, of all windows that ended before seen_until.
  evidence jsonb not null,
  seen_until timestamptz,
  tenants integer not null,
  scheduled_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz
);
-- Two of one module can't be under way at once.
create unique index fleet_upgrades_one_a_module on fleet_upgrades (module) where finished_at is null;
create index fleet_upgrades_by_time on fleet_upgrades (created_at desc, id desc);

create table fleet_upgrade_members (
  fleet_upgrade_id text not null references fleet_upgrades (id) on delete cascade,
  -- A tenant is in a fleet once, and has one status: whatever crashes, it is counted once.
  tenant text not null references tenants (id),
  position integer not null,
  from_version text not null,
  data_store text not null,
  -- Null of those who are not to be moved.
  wave integer,
  batch integer,
  status text not null constraint fleet_upgrade_members_status_is_known check (status in (
    'waiting', 'deferred', 'claimed', 'moving', 'moved', 'failed', 'skipped', 'cancelled',
    'returning', 'returned', 'kept')),
  code text,
  reason text,
  -- Of one that is put off: when its time has come.
  not_before timestamptz,
  -- The process that starts, or started, its migration; and until when it has the tenant for that.
  claimed_by text,
  claimed_until timestamptz,
  migration_id text references migration_records (id),
  return_migration_id text references migration_records (id),
  -- It took longer than a tenant may: its batch does not wait for it.
  overdue boolean not null default false,
  -- The status that the tenant was last told of.
  told text,
  started_at timestamptz,
  settled_at timestamptz,
  primary key (fleet_upgrade_id, tenant),
  constraint fleet_upgrade_members_position_is_unique unique (fleet_upgrade_id, position)
);
create index fleet_upgrade_members_by_status on fleet_upgrade_members (fleet_upgrade_id, status, batch, position);
create index fleet_upgrade_members_by_settlement on fleet_upgrade_members (fleet_upgrade_id, settled_at);

-- Who asked for an operation, where it was a fleet upgrade: at most one migration for each of its tenants.
alter table migration_records add column fleet_upgrade_id text references fleet_upgrades (id);
create unique index migration_records_once_a_fleet on migration_records (fleet_upgrade_id, tenant)
  where kind = 'migrate' and fleet_upgrade_id is not null;

-- Versions that halted a fleet: nobody is moved to one until it is released.
create table quarantined_versions (
  module text not null,
  version text not null,
  since timestamptz not null default clock_timestamp(),
  reason text not null,
  fleet_upgrade_id text not null references fleet_upgrades (id),
  released_at timestamptz,
  primary key (module, version, since),
  foreign key (module, version) references module_versions (module, version)
);
create unique index quarantined_versions_once on quarantined_versions (module, version) where released_at is null;

-- What tenants are to be told: CloudEvents, sent until they are taken or given up.
create table notices (
  id text primary key,
  tenant text not null,
  module text not null,
  event jsonb not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz,
  given_up_at timestamptz,
  last_error text,
  created_at timestamptz not null default clock_timestamp()
);
create index notices_due on notices (next_attempt_at) where delivered_at is null and given_up_at is null;
