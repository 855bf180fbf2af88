CREATE TABLE post_counts (channel_id uuid PRIMARY KEY REFERENCES channels, total bigint NOT NULL DEFAULT 0);
CREATE FUNCTION count_posts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $BODY$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO post_counts AS c (channel_id, total) VALUES (NEW.channel_id, 1)
      ON CONFLICT (channel_id) DO UPDATE SET total = c.total + 1;
  ELSIF TG_OP = 'DELETE' THEN
    UPDATE public.post_counts SET total = total - 1 WHERE channel_id = OLD.channel_id;
  END IF;
  RETURN NULL;
END
$BODY$;
CREATE TRIGGER posts_count AFTER INSERT OR DELETE ON posts FOR EACH ROW EXECUTE PROCEDURE count_posts();
INSERT INTO post_counts SELECT channel_id, count(*) FROM posts GROUP BY 1;
