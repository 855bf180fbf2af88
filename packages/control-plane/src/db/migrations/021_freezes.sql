-- Times in which no operation begins that changes a version: of the platform, a module, a tenant, or a tenant's module.

create table freezes (
  id text primary key,
  -- Null: all of them.
  tenant text references tenants (id),
  module text,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  time_zone text not null,
  reason text not null,
  created_at timestamptz not null default clock_timestamp(),
  removed_at timestamptz,
  constraint freezes_end_after_they_start check (starts_at < ends_at)
);
create index freezes_by_end on freezes (ends_at, id);
create index freezes_in_force on freezes (ends_at, tenant, module) where removed_at is null;
