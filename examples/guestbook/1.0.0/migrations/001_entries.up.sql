create table entries (
  id bigint generated always as identity primary key,
  author text not null check (author <> ''),
  text text not null check (text <> ''),
  written_at timestamptz not null default now()
);
