-- A migration that waits for its time can be cancelled.

alter table migration_records
  drop constraint migration_records_status_is_known,
  drop constraint migration_records_finished_is_final,
  add constraint migration_records_status_is_known
    check (status in ('scheduled', 'running', 'succeeded', 'failed', 'rolled-back', 'cancelled')),
  add constraint migration_records_finished_is_final
    check ((finished_at is not null) = (status in ('succeeded', 'failed', 'rolled-back', 'cancelled')));
