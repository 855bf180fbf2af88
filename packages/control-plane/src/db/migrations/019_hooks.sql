-- Hooks: what modules call of tenants', and the keys that webhooks are signed with.
alter table tenant_modules add column hook_secret text not null
  default 'whsec_' || encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'utf8')), 'base64');

-- What a tenant has at an extension point of a module's version, the JSON Schema of what it is called with, and the
-- tenant's key. On a rehearsal's copy there is never a hook: nobody outside hears of a rehearsal.
create function aibos_customizations.hook(of_name text, of_version text)
  returns table (content text, payload_schema text, secret text)
  language sql stable security definer set search_path = aibos, pg_temp
as $$
  select case when whose.rehearsed then 'null' else t.content end, s.content, whose.secret
  from (
    select m.tenant, m.module, m.hook_secret as secret, false as rehearsed
    from tenant_modules m where m.role_name = current_setting('role')
    union all
    select r.tenant, r.module, '', true from rehearsals r where r.role_name = current_setting('role')
  ) whose
  join customizables c
    on c.module = whose.module and c.version = of_version and c.name = of_name and c.kind = 'hook'
  join customization_texts s on s.digest = c.schema_digest
  left join lateral (
    select e.content_digest
    from customizations e
    where e.tenant = whose.tenant and e.module = whose.module and e.version = of_version and e.name = of_name
      and e.superseded_by is null
    order by e.id desc
    limit 1
  ) present on true
  join customization_texts t on t.digest = coalesce(present.content_digest, c.default_digest)
$$;
