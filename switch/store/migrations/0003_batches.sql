-- Totals, parts and settlement of batches. What was booked before is in no totals: its terminal is told 95, uploads
-- it, everything is found, and the batch closes.

ALTER TABLE desks ADD COLUMN awaiting BIGINT NOT NULL DEFAULT 0;
ALTER TABLE desks ADD COLUMN closed BIGINT NOT NULL DEFAULT 0;

ALTER TABLE batches ADD COLUMN merchant BIGINT NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN currency TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN totals TEXT NOT NULL DEFAULT '[[0,0],[0,0],[0,0],[0,0]]';
ALTER TABLE batches ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN carried TEXT NOT NULL DEFAULT '[[0,0],[0,0],[0,0],[0,0]]';
ALTER TABLE batches ADD COLUMN claimed TEXT;
ALTER TABLE batches ADD COLUMN first BIGINT NOT NULL DEFAULT 0;
UPDATE batches SET
    merchant = (SELECT t.merchant FROM terminals t WHERE t.id = batches.terminal),
    currency = (SELECT t.currency FROM terminals t WHERE t.id = batches.terminal);
CREATE INDEX batches_by_first ON batches (first) WHERE first > 0;
CREATE INDEX batches_open ON batches (id) WHERE closed_at IS NULL;
CREATE INDEX batches_by_merchant ON batches (merchant, closed_at);

ALTER TABLE journal ADD COLUMN counts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE journal ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN claimed TEXT;
ALTER TABLE journal ADD COLUMN original_class TEXT;
ALTER TABLE journal ADD COLUMN matched BIGINT NOT NULL DEFAULT 0;
CREATE INDEX journal_by_batch ON journal (batch) WHERE batch > 0;
CREATE INDEX journal_by_merchant ON journal (merchant, decided_at);

CREATE INDEX journal_late ON journal (decided_at) WHERE late = 1;

ALTER TABLE merchants ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE merchants ADD COLUMN day_ends TEXT NOT NULL DEFAULT '';

CREATE TABLE settlements (
    id BIGINT PRIMARY KEY,
    merchant BIGINT NOT NULL,
    number INTEGER NOT NULL,
    day TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    UNIQUE (merchant, number)
);

UPDATE terminals SET rights = replace(replace(rights, ']', ',"settlement"]'), '[,', '[');
