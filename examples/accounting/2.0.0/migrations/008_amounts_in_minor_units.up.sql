-- An amount such as 10.005 is no whole number of minor units. Rounding it would change what is owed, so a person decides.
do $$
declare
  line record;
  payment record;
begin
  select i.number, l.id, l.description, l.unit_price, count(*) over () as others into line
  from invoice_lines l join invoices i on i.id = l.invoice_id
  where l.unit_price * 100 <> trunc(l.unit_price * 100) order by l.id limit 1;
  if found then
    raise exception 'Invoice %, line % "%": the unit price % is no whole number of minor units (lines like this: %).',
      line.number, line.id, line.description, line.unit_price, line.others
      using hint = 'Correct the unit price with PATCH /invoices/{id}/lines/{line} of version 1.5.0, then migrate again.';
  end if;
  select i.number, p.id, p.amount into payment
  from payments p join invoices i on i.id = p.invoice_id
  where p.amount * 100 <> trunc(p.amount * 100) order by p.id limit 1;
  if found then
    raise exception 'Invoice %, payment %: the amount % is no whole number of minor units.',
      payment.number, payment.id, payment.amount
      using hint = 'Correct the payment in version 1.5.0, then migrate again.';
  end if;
end $$;

drop trigger payments_settle_invoice on payments;
drop function settle_invoice();

update invoice_lines set unit_price_minor = unit_price * 100;
update payments set amount_minor = amount * 100;
alter table invoice_lines alter column unit_price_minor set not null, drop column unit_price;
alter table payments alter column amount_minor set not null, drop column amount;

create function settle_invoice() returns trigger language plpgsql as $$
begin
  update invoices i set status = 'paid'
  where i.id = new.invoice_id and i.status = 'posted'
    and (select sum(amount_minor) from payments where invoice_id = i.id)
      >= (select sum(quantity * unit_price_minor) from invoice_lines where invoice_id = i.id);
  return null;
end $$;
create trigger payments_settle_invoice after insert on payments
  for each row execute function settle_invoice();
