alter table customers add column name text;
update customers set name = trim(given_name || ' ' || family_name);
alter table customers
  alter column name set not null,
  add constraint customers_name_check check (name <> ''),
  drop column given_name,
  drop column family_name;
