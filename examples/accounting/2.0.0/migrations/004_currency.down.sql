alter table invoices drop column currency;
