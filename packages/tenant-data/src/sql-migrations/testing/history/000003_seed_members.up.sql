INSERT INTO team_members (team_id, user_id, role)
SELECT t.id, u.id, CASE WHEN u.id = 1 THEN 'owner' ELSE 'member' END
FROM teams t CROSS JOIN users u
ON CONFLICT DO NOTHING;
