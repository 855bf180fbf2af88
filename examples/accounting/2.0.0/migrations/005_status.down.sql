drop trigger payments_settle_invoice on payments;
drop function settle_invoice();
drop trigger invoices_follow_posting on invoices;
drop function follow_posting();
alter table invoices drop column status;
