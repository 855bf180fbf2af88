-- Who changed a flag. What came before is nobody's that is known.
alter table flag_changes add column author text not null default 'operator';
