-- Posts are the largest table.
CREATE TABLE posts (
    id bigserial PRIMARY KEY,
    channel_id uuid NOT NULL,
    user_id bigint NOT NULL,
    root_id bigint,
    message text NOT NULL,
    props jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
ALTER TABLE ONLY posts ADD CONSTRAINT posts_channel_fk FOREIGN KEY (channel_id) REFERENCES channels (id);
ALTER TABLE ONLY posts ADD CONSTRAINT posts_root_fk FOREIGN KEY (root_id) REFERENCES posts (id) DEFERRABLE INITIALLY DEFERRED;
