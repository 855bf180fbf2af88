CREATE TABLE IF NOT EXISTS reactions (
    id serial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    name varchar(96) NOT NULL,
    state text NOT NULL DEFAULT 'public',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS reactions_user_id_idx ON reactions (user_id);
