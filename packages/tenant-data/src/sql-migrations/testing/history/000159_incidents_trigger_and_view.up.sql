CREATE TRIGGER incidents_touch BEFORE INSERT ON incidents FOR EACH ROW WHEN (NEW.name IN ('incident 1', 'none')) EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE incidents DISABLE TRIGGER incidents_touch;
CREATE VIEW open_incidents AS SELECT id, name, kind FROM incidents WHERE state IN ('new', 'open');
COMMENT ON VIEW open_incidents IS 'What is left of public.incidents';
