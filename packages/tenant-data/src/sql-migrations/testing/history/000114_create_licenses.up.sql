CREATE TABLE IF NOT EXISTS licenses (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    user_id bigint REFERENCES users (id) ON DELETE CASCADE,
    name varchar(224) NOT NULL,
    state text NOT NULL DEFAULT 'new',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX licenses_user_id_idx ON licenses (user_id);
