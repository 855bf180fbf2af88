CREATE TABLE crlf (id int);
COMMENT ON TABLE crlf IS 'made on Windows';
INSERT INTO crlf VALUES (1);
