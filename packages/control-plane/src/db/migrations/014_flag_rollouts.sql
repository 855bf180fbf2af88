-- Rollouts of flags: what came of requests that met one, with the variant and without, and rollouts that are of a flag.

create table flag_measurements (
  -- When the window of ten seconds begins.
  at timestamptz not null,
  module text not null,
  flag text not null,
  -- Whether the rollout took the request's user in.
  is_in boolean not null,
  tenant text not null,
  version text not null,
  requests bigint not null,
  client_errors bigint not null,
  server_errors bigint not null,
  unreachable bigint not null,
  timeouts bigint not null,
  broken bigint not null,
  clients_gone bigint not null,
  cut bigint not null,
  latency_buckets smallint[] not null,
  latency_counts bigint[] not null
);
create index flag_measurements_by_flag on flag_measurements (module, flag, at);
create index flag_measurements_by_time on flag_measurements using brin (at);

alter table rollouts
  alter column old_version drop not null,
  alter column new_version drop not null,
  -- Which flag, for whom, and what was set before; null: the rollout is of a version.
  add column flag jsonb,
  add constraint rollouts_are_of_versions_or_of_a_flag
    check ((flag is null) = (old_version is not null) and (flag is null) = (new_version is not null));
-- One rollout at a time drives a flag.
create unique index rollouts_one_each_flag on rollouts (module, (flag ->> 'key')) where flag is not null and finished_at is null;
