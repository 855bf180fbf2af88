-- Two transactions: the value must be committed before it is used.
BEGIN;
ALTER TYPE channel_type ADD VALUE 'G';
COMMIT;
BEGIN;
UPDATE channels SET type = 'G' WHERE name = 'leads';
COMMIT;
