CREATE UNIQUE INDEX jobs_once ON jobs (kind, state) INCLUDE (run_at) NULLS NOT DISTINCT WHERE state <> 'done' AND kind NOT IN ('mail', 'export');
ALTER TABLE memberships ADD CONSTRAINT memberships_scope_unique UNIQUE (team_id, user_id, scope) DEFERRABLE;
