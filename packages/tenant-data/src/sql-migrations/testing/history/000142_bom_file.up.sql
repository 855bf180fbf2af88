ALTER TABLE crlf ADD COLUMN note text DEFAULT 'é 🌍';
