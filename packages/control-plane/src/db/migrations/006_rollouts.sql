-- Rollouts: moving users of tenants from one live version to another, step by step, on evidence.

create table rollouts (
  id text primary key,
  module text not null references modules (id),
  old_version text not null,
  new_version text not null,
  policy jsonb not null,
  -- Where it is: the state of the domain's machine.
  state jsonb not null,
  -- What verdicts are made of: sums of all windows that ended before seen_until.
  evidence jsonb not null,
  -- Share of users on the new version in 1/10,000.
  weight integer not null default 0 constraint rollouts_weight_is_a_share check (weight between 0 and 10000),
  seen_until timestamptz not null,
  -- Grows with each change: who read an older one must not write.
  looks bigint not null default 0,
  -- Who looks at it takes it for a few seconds by putting this off.
  next_look_at timestamptz not null default now(),
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index rollouts_under_way on rollouts (next_look_at) where finished_at is null;
create index rollouts_by_time on rollouts (created_at desc, id desc);

create table rollout_tenants (
  rollout_id text not null references rollouts (id) on delete cascade,
  tenant text not null,
  module text not null,
  status text not null default 'running'
    constraint rollout_tenants_status_is_known check (status in ('running', 'promoted', 'returned', 'returning')),
  reason text,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (rollout_id, tenant),
  foreign key (tenant, module) references tenant_modules (tenant, module)
);
-- One rollout at a time shares a tenant's traffic.
create unique index rollout_tenants_one_each on rollout_tenants (tenant, module) where status in ('running', 'returning');
create index rollout_tenants_by_tenant on rollout_tenants (tenant, module, changed_at);

create table rollout_verdicts (
  rollout_id text not null references rollouts (id) on delete cascade,
  number bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  step integer not null,
  verdict text not null,
  -- All numbers: the domain's judgement.
  judgement jsonb not null,
  primary key (rollout_id, number)
);

create table rollout_policies (
  tenant text not null,
  module text not null,
  policy jsonb not null,
  primary key (tenant, module),
  foreign key (tenant, module) references tenant_modules (tenant, module)
);
