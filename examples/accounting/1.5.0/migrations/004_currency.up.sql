alter table invoices add column currency text not null default 'EUR'
  constraint invoices_currency_is_a_code check (currency ~ '^[A-Z]{3}$');
