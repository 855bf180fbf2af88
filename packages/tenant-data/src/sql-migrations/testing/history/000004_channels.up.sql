CREATE TYPE channel_type AS ENUM ('O', 'P', 'D');
CREATE TABLE channels (
    id uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
    team_id bigint REFERENCES teams,
    name text NOT NULL,
    type channel_type NOT NULL DEFAULT 'O',
    public boolean NOT NULL DEFAULT true,
    header text,
    purpose varchar(250)
);
CREATE INDEX channels_team ON channels (team_id);
