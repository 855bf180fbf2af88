CREATE TRIGGER users_email_changed AFTER UPDATE OF email ON public.users FOR EACH ROW
  WHEN (OLD.email IS DISTINCT FROM NEW.email) EXECUTE FUNCTION public.touch_updated_at();
ALTER TABLE users DISABLE TRIGGER users_email_changed;
ALTER TABLE posts ENABLE ALWAYS TRIGGER posts_count;
