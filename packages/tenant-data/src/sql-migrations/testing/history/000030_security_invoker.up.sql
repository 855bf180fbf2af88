CREATE VIEW user_posts WITH (security_invoker = true, security_barrier) AS
SELECT u.email, p.* FROM users u JOIN posts p ON p.user_id = u.id WHERE p.deleted_at IS NULL;
