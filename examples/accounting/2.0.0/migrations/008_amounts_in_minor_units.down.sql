drop trigger payments_settle_invoice on payments;
drop function settle_invoice();

alter table invoice_lines add column unit_price numeric check (unit_price >= 0);
alter table payments add column amount numeric check (amount > 0);
update invoice_lines set unit_price = unit_price_minor / 100.0;
update payments set amount = amount_minor / 100.0;
alter table invoice_lines alter column unit_price set not null, alter column unit_price_minor drop not null;
alter table payments alter column amount set not null, alter column amount_minor drop not null;

create function settle_invoice() returns trigger language plpgsql as $$
begin
  update invoices i set status = 'paid'
  where i.id = new.invoice_id and i.status = 'posted'
    and (select sum(amount) from payments where invoice_id = i.id)
      >= (select sum(quantity * unit_price) from invoice_lines where invoice_id = i.id);
  return null;
end $$;
create trigger payments_settle_invoice after insert on payments
  for each row execute function settle_invoice();
