-- How modules read what a tenant customised: in the tenant's transaction, by
--   select aibos_customizations.content('settings', '<the module's version>')
-- Whose it is says the role of the transaction, which the module can't choose but for tenants that it may serve.
create schema aibos_customizations;
grant usage on schema aibos_customizations to public;

create function aibos_customizations.content(of_name text, of_version text) returns text
  language sql stable security definer set search_path = aibos, pg_temp
as $$
  select t.content
  from tenant_modules m
  join customizables c on c.module = m.module and c.version = of_version and c.name = of_name
  left join lateral (
    select e.content_digest
    from customizations e
    where e.tenant = m.tenant and e.module = m.module and e.version = of_version and e.name = of_name
      and e.superseded_by is null
    order by e.id desc
    limit 1
  ) present on true
  join customization_texts t on t.digest = coalesce(present.content_digest, c.default_digest)
  where m.role_name = current_setting('role')
$$;
