CREATE TRIGGER plugins_touch BEFORE INSERT ON plugins FOR EACH ROW WHEN (NEW.name IN ('plugin 1', 'none')) EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE plugins DISABLE TRIGGER plugins_touch;
CREATE VIEW open_plugins AS SELECT id, name, kind FROM plugins WHERE state IN ('new', 'open');
COMMENT ON VIEW open_plugins IS 'What is left of public.plugins';
