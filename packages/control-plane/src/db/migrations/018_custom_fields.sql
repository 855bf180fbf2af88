-- Columns of tenants' own on modules' tables, customised and carried along like everything else.
alter table customizables
  drop constraint customizables_kind_is_known,
  -- Of "fields" the schema says which tables tenants may extend, and what each migration does to tables.
  add constraint customizables_kind_is_known check (kind in ('document', 'text', 'hook', 'fields'));
