-- Copies of tenants' data on which a migration is rehearsed. A row is there as long as the copy.

create table rehearsals (
  migration_id text primary key references migration_records (id),
  -- Owns the copy; the schema has the same name.
  role_name text not null constraint rehearsals_role_is_own unique,
  tenant text not null,
  module text not null,
  -- What the tenant's customisations are at the version that is rehearsed, by name.
  contents jsonb not null default '{}',
  foreign key (tenant, module) references tenant_modules (tenant, module) on delete cascade
);
create index tenant_modules_by_role on tenant_modules (role_name);
create index migration_records_rehearsals on migration_records (tenant, module, finished_at desc)
  where kind = 'rehearse' and status = 'succeeded';

-- What a module reads of a tenant's customisations; on a rehearsal's copy, what they will be.
create or replace function aibos_customizations.content(of_name text, of_version text) returns text
  language sql stable security definer set search_path = aibos, pg_temp
as $$
  select coalesce(whose.contents->>of_name, t.content)
  from (
    select m.tenant, m.module, '{}'::jsonb as contents, false as rehearsed
    from tenant_modules m where m.role_name = current_setting('role')
    union all
    select r.tenant, r.module, r.contents, true from rehearsals r where r.role_name = current_setting('role')
  ) whose
  join customizables c on c.module = whose.module and c.version = of_version and c.name = of_name
  left join lateral (
    select e.content_digest
    from customizations e
    where e.tenant = whose.tenant and e.module = whose.module and e.version = of_version and e.name = of_name
      and e.superseded_by is null and not whose.rehearsed
    order by e.id desc
    limit 1
  ) present on true
  join customization_texts t on t.digest = coalesce(present.content_digest, c.default_digest)
$$;
