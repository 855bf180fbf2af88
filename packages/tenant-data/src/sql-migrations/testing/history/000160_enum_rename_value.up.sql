ALTER TYPE channel_type RENAME VALUE 'G' TO 'group';
ALTER TYPE public.channel_type RENAME TO channel_kind;
