CREATE SEQUENCE public.invoice_numbers AS integer START 1000 MINVALUE 1000 MAXVALUE 99999 CACHE 10 CYCLE;
ALTER TABLE invoices ADD COLUMN number integer DEFAULT nextval('public.invoice_numbers'::regclass) NOT NULL;
SELECT pg_catalog.setval('public.invoice_numbers', 5000, false);
GRANT USAGE ON SEQUENCE invoice_numbers TO reporting;
