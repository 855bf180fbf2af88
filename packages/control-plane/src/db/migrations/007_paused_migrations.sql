-- An operation can be paused, resumed and cancelled while it runs, and one can follow another: the completion of a
-- migration whose old version's data stayed for a while, or another try.

alter table migration_records
  -- What somebody asked of it: told before a step begins, and by steps that take long.
  add column wanted text constraint migration_records_wanted_is_known check (wanted in ('pause', 'cancel')),
  add column follows text references migration_records (id),
  drop constraint migration_records_status_is_known,
  add constraint migration_records_status_is_known
    check (status in ('scheduled', 'running', 'paused', 'succeeded', 'failed', 'rolled-back', 'cancelled'));
