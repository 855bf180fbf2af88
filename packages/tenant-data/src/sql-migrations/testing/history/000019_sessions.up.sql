CREATE UNLOGGED TABLE sessions (
    token bytea PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    ip inet NOT NULL DEFAULT '0.0.0.0',
    expires_at timestamptz NOT NULL
);
