alter table customers add column given_name text, add column family_name text;
-- The last word is the family name; a single word has no given name.
update customers set
  family_name = substring(name from '(\S+)\s*$'),
  given_name = coalesce(trim(substring(name from '^(.*)\s+\S+\s*$')), '');
alter table customers
  alter column given_name set not null,
  alter column family_name set not null,
  drop column name;
