MERGE INTO flags f USING (VALUES ('new_ui', ARRAY['all']), ('dark', ARRAY[]::text[])) AS v(name, on_for) ON f.name = v.name
WHEN MATCHED THEN UPDATE SET on_for = f.on_for || v.on_for
WHEN NOT MATCHED THEN INSERT VALUES (v.name, v.on_for);
