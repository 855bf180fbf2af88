CREATE INDEX posts_props_tag ON posts ((props ->> 'tag'), ((created_at AT TIME ZONE 'UTC')::date)) WHERE (props ? 'tag');
CREATE INDEX users_domain ON users (split_part(email::text, '@', 2) text_pattern_ops DESC NULLS LAST);
