CREATE TRIGGER webhooks_touch BEFORE INSERT ON webhooks FOR EACH ROW WHEN (NEW.name IN ('webhook 1', 'none')) EXECUTE FUNCTION touch_updated_at();
ALTER TABLE webhooks DISABLE TRIGGER webhooks_touch;
CREATE VIEW open_webhooks AS SELECT id, name, kind FROM webhooks WHERE state IN ('new', 'open');
COMMENT ON VIEW open_webhooks IS 'What is left of public.webhooks';
