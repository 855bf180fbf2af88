-- Each instance reads and writes one version of the data, of which several may be live.

alter table tenant_module_instances add column data_version text;
update tenant_module_instances i set data_version = coalesce(m.data_version, i.version)
from tenant_modules m where m.tenant = i.tenant and m.module = i.module;
alter table tenant_module_instances
  alter column data_version set not null,
  add foreign key (module, data_version) references module_versions (module, version);
