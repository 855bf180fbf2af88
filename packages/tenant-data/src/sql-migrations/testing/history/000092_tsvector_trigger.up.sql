ALTER TABLE channels ADD COLUMN document tsvector;
CREATE TRIGGER channels_document BEFORE INSERT OR UPDATE ON channels FOR EACH ROW
  EXECUTE FUNCTION tsvector_update_trigger(document, 'pg_catalog.english', name, purpose);
UPDATE channels SET name = name;
