create table payments (
  id bigint generated always as identity primary key,
  invoice_id bigint not null references invoices (id),
  amount numeric not null check (amount > 0),
  paid_on date not null,
  created_at timestamptz not null default now()
);
create index payments_of_invoice on payments (invoice_id);
