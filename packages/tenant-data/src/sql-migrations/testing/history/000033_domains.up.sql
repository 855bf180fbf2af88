CREATE DOMAIN slug AS text CHECK (VALUE ~ '^[a-z0-9-]+$') CONSTRAINT slug_length CHECK (length(VALUE) <= 64);
CREATE DOMAIN public.hex_color AS varchar(7) DEFAULT '#ffffff' NOT NULL CONSTRAINT hex_color_check CHECK (VALUE ~* '^#[0-9a-f]{6}$');
ALTER TABLE channels ADD COLUMN slug slug, ADD COLUMN color public.hex_color;
UPDATE channels SET slug = lower(name);
