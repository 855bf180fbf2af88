-- Archives of releases that are looked after no more and that nobody needs can be removed; publishing the same archive
-- again brings one back.

alter table artifacts alter column content drop not null;
alter table artifacts add column removed_at timestamptz;
alter table artifacts add constraint artifacts_are_there_or_removed check ((content is null) = (removed_at is not null));
