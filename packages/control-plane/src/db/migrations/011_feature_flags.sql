-- Feature flags. What versions declare is in feature_flags (as the manifest writes it); here is what is set on them.

-- Settings on flags. Empty text stands for "none" in a key: a segment's setting has no tenant, a tenant's no segment,
-- and settings of the module and of segments are for every version.
create table flag_overrides (
  module text not null references modules (id),
  flag text not null,
  level text not null constraint flag_overrides_level_is_known check (level in ('module', 'segment', 'tenant', 'user')),
  segment text not null default '',
  tenant text not null default '',
  user_key text not null default '',
  version text not null default '',
  setting jsonb not null,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (module, flag, level, segment, tenant, user_key, version),
  constraint flag_overrides_tenants_have_versions check ((tenant <> '') = (level in ('tenant', 'user')) and (tenant <> '') = (version <> ''))
);
create index flag_overrides_by_tenant on flag_overrides (module, version, tenant);

create table flag_kills (
  module text not null references modules (id),
  flag text not null,
  since timestamptz not null default clock_timestamp(),
  primary key (module, flag)
);

create table flag_segments (
  module text not null references modules (id),
  name text not null,
  -- JSONLogic that tells who is in it.
  logic jsonb not null,
  primary key (module, name)
);

-- Overrides that could not come along when a tenant moved to a version.
create table flag_conflicts (
  tenant text not null references tenants (id),
  module text not null references modules (id),
  version text not null,
  flag text not null,
  user_key text not null default '',
  setting jsonb not null,
  reason text not null,
  primary key (tenant, module, version, flag, user_key)
);

-- The head's row lock, held until commit, makes revisions appear in their order and without gaps.
create table flag_head (
  one boolean primary key default true constraint flag_head_is_one check (one),
  revision bigint not null default 0
);
insert into flag_head default values;

-- Every change: what evaluators follow, the history that people read, and what a revert puts back.
create table flag_changes (
  revision bigint primary key,
  -- Null: what is known of a tenant, which all modules' rules may ask for.
  module text references modules (id),
  flag text,
  tenant text,
  kind text not null,
  before jsonb not null,
  after jsonb not null,
  reason text,
  created_at timestamptz not null default clock_timestamp()
);
create index flag_changes_by_flag on flag_changes (module, flag, revision desc);

-- Keys with which a tenant's programs evaluate its flags of one module.
create table flag_keys (
  id text primary key,
  -- SHA-256 of the key, in hexadecimal.
  digest text not null constraint flag_keys_digest_is_unique unique,
  tenant text not null references tenants (id),
  module text not null references modules (id),
  created_at timestamptz not null default clock_timestamp(),
  revoked_at timestamptz
);

create table flag_usage (
  module text not null references modules (id),
  flag text not null,
  version text not null,
  variant text not null,
  day date not null,
  evaluations bigint not null,
  last_at timestamptz not null default clock_timestamp(),
  primary key (module, flag, day, version, variant)
);
