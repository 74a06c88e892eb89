-- Schema version 14: spaces made of folders.
-- Whether the bytes are those of another space, which they count for.
ALTER TABLE chunks ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;
