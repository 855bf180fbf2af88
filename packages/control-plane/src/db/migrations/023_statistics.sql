-- Counts of what came of migrations and of who had which version, so that nobody has to read a million records.
--
-- A trigger writes each change of a count as a row, in the transaction that changes the record: whatever crashes, both are
-- there or neither is, and no two transactions wait for one another over a counter. Now and then the rows are folded into
-- the counts. A count is right at any moment: what is folded plus what is not yet.

create table migration_counts (
  module text not null,
  kind text not null,
  from_version text not null,
  to_version text not null,
  status text not null,
  -- Why it failed, empty where it did not.
  code text not null,
  step text not null,
  -- In UTC, on which it ended.
  day date not null,
  -- How long it took, of those that succeeded: the bucket of the domain's latency sketch, without its upper end; else -1.
  bucket integer not null,
  count bigint not null,
  total_us bigint not null,
  primary key (module, kind, day, from_version, to_version, status, code, step, bucket)
);
create table migration_count_changes (
  id bigint generated always as identity primary key,
  module text not null,
  kind text not null,
  from_version text not null,
  to_version text not null,
  status text not null,
  code text not null,
  step text not null,
  day date not null,
  bucket integer not null,
  count bigint not null,
  total_us bigint not null
);
create index migration_count_changes_by_module on migration_count_changes (module);

create table instance_counts (
  module text not null,
  version text not null,
  -- In UTC; by how many more, or fewer, tenants had the version at its end than at its beginning.
  day date not null,
  change bigint not null,
  primary key (module, version, day)
);
create table instance_count_changes (
  id bigint generated always as identity primary key,
  module text not null,
  version text not null,
  day date not null,
  change bigint not null
);
create index instance_count_changes_by_module on instance_count_changes (module);

-- Index of the bucket of a duration: as domain's latencyBucket, which see.
create function duration_bucket(us bigint) returns integer language sql immutable as $$
  select case when us <= 10 then 0 else ceil(ln(us / 10.0::float8) / ln(1.01::float8 / 0.99::float8))::int end
$$;

create function migration_us(status text, started_at timestamptz, finished_at timestamptz) returns bigint
  language sql immutable as $$
  select case when status = 'succeeded' and started_at is not null
    then (extract(epoch from finished_at - started_at) * 1000000)::bigint end
$$;

create function count_migration() returns trigger language plpgsql set search_path = aibos, pg_temp as $$
declare
  one migration_records;
  us bigint;
begin
  for sign in 0..1 loop
    if sign = 0 and tg_op = 'INSERT' or sign = 1 and tg_op = 'DELETE' then continue; end if;
    if sign = 0 then one := old; else one := new; end if;
    if one.finished_at is null or one.kind not in ('migrate', 'rollback', 'restore') then continue; end if;
    us := migration_us(one.status, one.started_at, one.finished_at);
    insert into migration_count_changes
      (module, kind, from_version, to_version, status, code, step, day, bucket, count, total_us)
    values (one.module, one.kind, coalesce(one.from_version, ''), coalesce(one.to_version, ''), one.status,
      coalesce(one.failure ->> 'code', ''), coalesce(one.failure ->> 'step', ''),
      (one.finished_at at time zone 'UTC')::date, coalesce(duration_bucket(us), -1),
      sign * 2 - 1, (sign * 2 - 1) * coalesce(us, 0));
  end loop;
  return null;
end $$;

create function count_instance() returns trigger language plpgsql set search_path = aibos, pg_temp as $$
begin
  insert into instance_count_changes (module, version, day, change)
  select module, version, (at at time zone 'UTC')::date, sum(change) from (
    select old.module, old.version, old.created_at, -1 where tg_op <> 'INSERT'
    union all select old.module, old.version, old.retired_at, 1 where tg_op <> 'INSERT'
    union all select new.module, new.version, new.created_at, 1 where tg_op <> 'DELETE'
    union all select new.module, new.version, new.retired_at, -1 where tg_op <> 'DELETE'
  ) as changes (module, version, at, change)
  where at is not null group by 1, 2, 3 having sum(change) <> 0;
  return null;
end $$;

-- These keep writers out until the transaction ends, so that nothing is counted twice or not at all.
create trigger migration_records_are_counted
  after insert or delete or update of module, kind, from_version, to_version, status, failure, started_at, finished_at
  on migration_records for each row execute function count_migration();
create trigger instances_are_counted
  after insert or delete or update of module, version, created_at, retired_at
  on tenant_module_instances for each row execute function count_instance();

insert into migration_counts
select module, kind, coalesce(from_version, ''), coalesce(to_version, ''), status, coalesce(failure ->> 'code', ''),
  coalesce(failure ->> 'step', ''), (finished_at at time zone 'UTC')::date,
  coalesce(duration_bucket(migration_us(status, started_at, finished_at)), -1),
  count(*), coalesce(sum(migration_us(status, started_at, finished_at)), 0)
from migration_records
where finished_at is not null and kind in ('migrate', 'rollback', 'restore')
group by 1, 2, 3, 4, 5, 6, 7, 8, 9;

insert into instance_counts
select module, version, (at at time zone 'UTC')::date, sum(change)
from (
  select module, version, created_at, 1 from tenant_module_instances
  union all select module, version, retired_at, -1 from tenant_module_instances where retired_at is not null
) as changes (module, version, at, change)
group by 1, 2, 3;

-- What has not ended is counted as it stands. These were for reading all of the records.
create index migration_records_open on migration_records (module, kind) include (from_version, to_version, status)
  where finished_at is null;
drop index migration_records_statistics;
drop index tenant_module_instances_history;
