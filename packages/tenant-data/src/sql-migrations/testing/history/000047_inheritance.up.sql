CREATE TABLE documents (id serial PRIMARY KEY, title text NOT NULL, CHECK (title <> ''));
CREATE TABLE invoices (total numeric(12, 2) NOT NULL DEFAULT 0 CHECK (total >= 0), currency char(3) NOT NULL DEFAULT 'EUR') INHERITS (documents);
INSERT INTO invoices (title, total) VALUES ('INV-1', 10.50), ('INV-2', 0);
INSERT INTO documents (title) VALUES ('plain');
