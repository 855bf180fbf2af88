-- What decides about a tenant's requests besides weights, and what came of mirrored ones.

create table route_policies (
  tenant text not null,
  module text not null,
  -- Asked in their order: [{"when": [condition, …], "version": "2.0.0"}].
  rules jsonb not null default '[]',
  -- Named groups of conditions, of which any must be met: {"beta": [condition, …]}.
  segments jsonb not null default '{}',
  -- {"version", "weight" of safe requests in 1/10,000, "since"}; null: none.
  mirror jsonb,
  -- Users who were there before "since" go on as these weights say: {"weights": [{"version", "weight"}], "since", "until"}.
  leaving jsonb,
  primary key (tenant, module),
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);

-- The newest counts of each run of each gateway, for the mirror that was set at "since".
create table mirror_counts (
  tenant text not null,
  module text not null,
  since bigint not null,
  gateway text not null,
  started_at bigint not null,
  compared bigint not null,
  status_differs bigint not null,
  size_differs bigint not null,
  failed bigint not null,
  skipped bigint not null,
  ms double precision not null,
  mirror_ms double precision not null,
  primary key (tenant, module, since, gateway, started_at),
  foreign key (tenant, module) references route_policies (tenant, module) on delete cascade
);
