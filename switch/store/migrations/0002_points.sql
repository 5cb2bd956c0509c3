-- Points: a member's lots are accounts with dates, rows remember what returns need, the outbox tells main cards' holders.

ALTER TABLE accounts ADD COLUMN available_from TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN expires_on TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN spent INTEGER NOT NULL DEFAULT 0;

-- The lots of years are empty, and no message reads past them.
DROP INDEX accounts_by_holder;
CREATE INDEX accounts_by_holder ON accounts (holder, spent) WHERE holder > 0;
CREATE INDEX accounts_by_expiry ON accounts (expires_on, id) WHERE spent = 0 AND expires_on <> '';

ALTER TABLE cards ADD COLUMN place TEXT;
ALTER TABLE cards ADD COLUMN sealed_phone BYTES;

ALTER TABLE journal ADD COLUMN other_holder BIGINT NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN deed TEXT;
ALTER TABLE journal ADD COLUMN event TEXT;
CREATE INDEX journal_by_receipt ON journal (batch, receipt, decided_at);
CREATE UNIQUE INDEX journal_by_event ON journal (event) WHERE event IS NOT NULL;

CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,
    holder BIGINT NOT NULL,
    card BIGINT NOT NULL,
    used TEXT NOT NULL,
    what TEXT NOT NULL,
    points BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    sent_at BIGINT
);
CREATE INDEX outbox_to_send ON outbox (created_at, id) WHERE sent_at IS NULL;

-- What a new terminal may do since there are points.
UPDATE terminals SET rights = replace(rights, ']', ',"sale","preview","points_redeem","enrol"]') WHERE rights <> '[]';
