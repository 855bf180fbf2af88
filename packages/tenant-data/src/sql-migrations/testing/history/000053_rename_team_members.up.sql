ALTER TABLE team_members RENAME TO memberships;
ALTER TABLE memberships RENAME COLUMN role TO scope;
ALTER INDEX team_members_pkey RENAME TO memberships_pkey;
ALTER TABLE memberships RENAME CONSTRAINT team_members_team_id_fkey TO memberships_team_fk;
