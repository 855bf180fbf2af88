CREATE TABLE public.events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    tenant int NOT NULL DEFAULT 0,
    kind text NOT NULL,
    payload jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id, created_at, kind)
) PARTITION BY RANGE (created_at);
CREATE TABLE public.events_2021 PARTITION OF public.events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE events_2022 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01') PARTITION BY LIST (kind);
CREATE TABLE events_2022_login PARTITION OF events_2022 FOR VALUES IN ('login', 'logout');
CREATE TABLE events_2022_rest PARTITION OF events_2022 DEFAULT;
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE INDEX events_kind ON events (kind, created_at);
