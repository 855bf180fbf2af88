-- Written by nobody yet: 008 fills them and removes the decimal ones.
alter table invoice_lines add column unit_price_minor bigint
  constraint invoice_lines_unit_price_minor_check check (unit_price_minor >= 0);
alter table payments add column amount_minor bigint
  constraint payments_amount_minor_check check (amount_minor > 0);
