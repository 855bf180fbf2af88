CREATE RECURSIVE VIEW public.threads (id, root, depth) AS
  SELECT id, id, 0 FROM public.posts WHERE root_id IS NULL
  UNION ALL
  SELECT p.id, t.root, t.depth + 1 FROM public.posts p JOIN threads t ON p.root_id = t.id;
