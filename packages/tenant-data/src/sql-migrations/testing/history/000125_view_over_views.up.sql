CREATE VIEW team_overview AS SELECT t.id, t.name, s.posts, t."displayName" AS "Display Name", public.member_count(t.id)
FROM teams t LEFT JOIN channels c ON c.team_id = t.id LEFT JOIN channel_stats s ON s.id = c.id;
