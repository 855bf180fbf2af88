create table invoices (
  id bigint generated always as identity primary key,
  customer_id bigint not null references customers (id),
  number text not null unique,
  issued_on date not null,
  -- Null while it is a draft.
  posted_at timestamptz,
  created_at timestamptz not null default now()
);
create index invoices_of_customer on invoices (customer_id);

create table invoice_lines (
  id bigint generated always as identity primary key,
  invoice_id bigint not null references invoices (id) on delete cascade,
  description text not null,
  quantity integer not null check (quantity > 0),
  unit_price numeric not null check (unit_price >= 0)
);
create index invoice_lines_of_invoice on invoice_lines (invoice_id);
