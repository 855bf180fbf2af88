-- What came of requests, and what versions' processes used, by time. Rows only add up: several may be of the same
-- window, and what was measured in it is their sum. Kept for a while at 10 seconds, for longer at a minute and an hour.

-- Batches that were applied: none is twice.
create table measurement_batches (
  source uuid not null,
  number integer not null,
  gateway text not null,
  applied_at timestamptz not null default clock_timestamp(),
  primary key (source, number)
);
create index measurement_batches_by_time on measurement_batches using brin (applied_at);

create table measurements_10s (
  -- When the window begins.
  at timestamptz not null,
  -- Null: of all tenants.
  tenant text,
  module text not null,
  version text not null,
  -- Who measured: what several have under way at the same time adds up, what one has at different times does not.
  source uuid,
  requests bigint not null default 0,
  client_errors bigint not null default 0,
  server_errors bigint not null default 0,
  unreachable bigint not null default 0,
  timeouts bigint not null default 0,
  broken bigint not null default 0,
  clients_gone bigint not null default 0,
  cut bigint not null default 0,
  -- The latencies' sketch: counts by bucket. The sum is in milliseconds.
  latency_buckets smallint[] not null default '{}',
  latency_counts bigint[] not null default '{}',
  latency_sum double precision not null default 0,
  bytes_received bigint not null default 0,
  bytes_sent bigint not null default 0,
  in_flight integer not null default 0,
  -- Of the version's processes, with tenant null: how long their CPU worked within how long they were observed.
  cpu_ms double precision,
  observed_ms double precision,
  memory_bytes bigint
) partition by range (at);
create index measurements_10s_by_version on measurements_10s (module, version, tenant, at);
create index measurements_10s_by_time on measurements_10s using brin (at);

create table measurements_1m (like measurements_10s including defaults) partition by range (at);
create index measurements_1m_by_version on measurements_1m (module, version, tenant, at);
create index measurements_1m_by_time on measurements_1m using brin (at);

create table measurements_1h (like measurements_10s including defaults) partition by range (at);
create index measurements_1h_by_version on measurements_1h (module, version, tenant, at);
create index measurements_1h_by_time on measurements_1h using brin (at);

-- Minutes and hours of a module whose row is not there yet, or lacks what came since. Until it is, they are read from
-- the finer rows.
create table measurement_rollups (
  span text not null constraint measurement_rollups_span_is_known check (span in ('1m', '1h')),
  at timestamptz not null,
  module text not null,
  primary key (span, at, module)
);
