SELECT setval('public."Order Items_id_seq"', 41);
SELECT nextval('"Order Items_id_seq"');
