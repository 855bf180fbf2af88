CREATE FUNCTION posts_by(users) RETURNS SETOF posts LANGUAGE sql STABLE AS $$ SELECT * FROM posts WHERE user_id = $1.id $$;
CREATE FUNCTION latest(OUT id bigint, OUT message text) RETURNS record LANGUAGE sql AS
$$ SELECT id, message FROM posts ORDER BY id DESC LIMIT 1 $$;
