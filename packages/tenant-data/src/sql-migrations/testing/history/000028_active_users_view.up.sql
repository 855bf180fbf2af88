CREATE OR REPLACE VIEW active_users AS SELECT id, email, name FROM users WHERE status IN ('active', 'invited') WITH LOCAL CHECK OPTION;
COMMENT ON VIEW active_users IS 'public';
