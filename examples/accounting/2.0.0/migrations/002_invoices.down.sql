drop table invoice_lines;
drop table invoices;
