CREATE RULE active_users_delete AS ON DELETE TO active_users DO INSTEAD
  UPDATE users SET status = 'deactivated' WHERE users.id = old.id;
