ALTER TABLE invoices ADD COLUMN tax numeric(12, 2) NOT NULL DEFAULT 0, ADD COLUMN gross numeric(12, 2) GENERATED ALWAYS AS (total + tax) STORED;
UPDATE invoices SET tax = round(total * 0.19, 2);
