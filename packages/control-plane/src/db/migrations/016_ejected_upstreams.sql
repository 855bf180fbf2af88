-- The processes that a gateway sends no requests, as it reported last.

alter table gateways add column ejected jsonb not null default '[]';
