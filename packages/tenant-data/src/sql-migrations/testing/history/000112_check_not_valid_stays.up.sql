ALTER TABLE documents ADD CONSTRAINT documents_title_long CHECK (length(title) > 100) NO INHERIT NOT VALID;
