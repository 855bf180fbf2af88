alter table invoices add column status text not null default 'draft'
  constraint invoices_status_is_known check (status in ('draft', 'posted', 'paid', 'void'));

update invoices i set status = case when p.paid > 0 and p.paid >= l.total then 'paid' else 'posted' end
from (select id from invoices) as each
  cross join lateral (
    select coalesce(sum(quantity * unit_price), 0) as total from invoice_lines where invoice_id = each.id) as l
  cross join lateral (
    select coalesce(sum(amount), 0) as paid from payments where invoice_id = each.id) as p
where each.id = i.id and i.posted_at is not null;

-- 1.0.0 posts an invoice by setting posted_at and knows no status: this keeps the two together, whoever writes.
create function follow_posting() returns trigger language plpgsql as $$
begin
  if new.posted_at is not null and new.status in ('draft', 'void') then
    new.status := 'posted';
  end if;
  return new;
end $$;
create trigger invoices_follow_posting before insert or update on invoices
  for each row execute function follow_posting();

alter table invoices add constraint invoices_status_follows_posting
  check ((posted_at is null) = (status in ('draft', 'void')));

-- An invoice is paid when nothing is open any more, whichever version records the payment.
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
