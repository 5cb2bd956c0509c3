-- Terminals that name themselves by numbers of their acquirer; and those that never take less than they asked for.

ALTER TABLE terminals ADD COLUMN whole_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE terminals ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE terminals ADD COLUMN acquirer TEXT NOT NULL DEFAULT '';
ALTER TABLE terminals ADD COLUMN agent_bank TEXT NOT NULL DEFAULT '';
ALTER TABLE terminals ADD COLUMN agent_chain TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX terminals_by_number ON terminals (number) WHERE number <> '';

-- What an answer was given to that its terminal has to confirm.
CREATE TABLE pendings (
    id BIGINT PRIMARY KEY,
    until BIGINT NOT NULL,
    merchant_id TEXT NOT NULL,
    terminal_id TEXT NOT NULL,
    application TEXT NOT NULL,
    listener TEXT NOT NULL,
    kind TEXT NOT NULL,
    stan INTEGER NOT NULL,
    rrn TEXT NOT NULL,
    card_hash TEXT NOT NULL
);
CREATE INDEX pendings_by_until ON pendings (until, id);

ALTER TABLE batches ADD COLUMN captured TEXT NOT NULL DEFAULT '';
