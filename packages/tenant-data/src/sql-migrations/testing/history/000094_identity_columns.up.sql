CREATE TABLE jobs (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5) PRIMARY KEY,
  kind text NOT NULL,
  state text NOT NULL DEFAULT 'new',
  run_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO jobs (kind) VALUES ('mail'), ('export');
INSERT INTO jobs (id, kind) OVERRIDING SYSTEM VALUE VALUES (7, 'import');
