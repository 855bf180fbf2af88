INSERT INTO posts (channel_id, user_id, message) VALUES ('00000000-0000-0000-0000-000000000001', 2, 'counted');
DELETE FROM posts WHERE message = 'message 3';
