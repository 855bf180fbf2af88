COPY public.tags (name, rank, weight) FROM STDIN WITH (FORMAT csv, HEADER true);
name,rank,weight
"a, b",3,0.25
"quote ""x""",4,
\.
