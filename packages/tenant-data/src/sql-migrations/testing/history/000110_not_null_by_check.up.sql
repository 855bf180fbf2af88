ALTER TABLE channels ADD CONSTRAINT channels_purpose_there CHECK (purpose IS NOT NULL) NOT VALID;
UPDATE channels SET purpose = '' WHERE purpose IS NULL;
ALTER TABLE channels VALIDATE CONSTRAINT channels_purpose_there;
ALTER TABLE channels ALTER COLUMN purpose SET NOT NULL;
ALTER TABLE channels DROP CONSTRAINT channels_purpose_there;
