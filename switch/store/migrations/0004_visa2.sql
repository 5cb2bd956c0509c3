-- Terminals that name themselves by numbers of their acquirer; and those that never take less than they asked for.

ALTER TABLE terminals ADD COLUMN whole_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE terminals ADD COLUMN number TEXT NOT NULL DEFAULT '';
ALTER TABLE terminals ADD COLUMN acquirer TEXT NOT NULL DEFAULT '';
ALTER TABLE terminals ADD COLUMN agent_bank TEXT NOT NULL DEFAULT '';
ALTER TABLE terminals ADD COLUMN agent_chain TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX terminals_by_number ON terminals (number) WHERE number <> '';
