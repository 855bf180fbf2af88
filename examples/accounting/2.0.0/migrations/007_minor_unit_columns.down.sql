alter table payments drop column amount_minor;
alter table invoice_lines drop column unit_price_minor;
