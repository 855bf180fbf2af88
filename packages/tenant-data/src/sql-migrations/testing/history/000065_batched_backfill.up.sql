ALTER TABLE posts ADD COLUMN edited_at timestamptz;
DO $$
DECLARE
  done bigint := 0;
  last bigint;
BEGIN
  LOOP
    UPDATE posts SET edited_at = created_at WHERE id IN (SELECT id FROM posts WHERE edited_at IS NULL ORDER BY id LIMIT 10);
    GET DIAGNOSTICS last = ROW_COUNT;
    COMMIT;
    EXIT WHEN last = 0;
    done := done + last;
  END LOOP;
END $$;
