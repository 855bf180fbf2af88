CREATE COLLATION natural_sort (provider = icu, locale = 'en-u-kn-true');
CREATE INDEX documents_natural ON documents (title COLLATE natural_sort);
