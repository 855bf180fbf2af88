INSERT INTO channels (id, team_id, name, purpose) VALUES
  ('00000000-0000-0000-0000-000000000001', 1, 'town-square', 'public'),
  ('00000000-0000-0000-0000-000000000002', 1, 'off-topic', 'select * from public.users; -- not SQL'),
  ('00000000-0000-0000-0000-000000000003', 2, 'leads', NULL);
