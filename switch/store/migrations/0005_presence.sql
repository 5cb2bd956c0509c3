-- Whether terminals are there: when each was last seen, what it told of itself, and who is to hear of it.

CREATE TABLE presences (
    terminal BIGINT PRIMARY KEY,
    last_seen BIGINT NOT NULL,
    offline INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_at BIGINT NOT NULL,
    serial TEXT NOT NULL,
    version TEXT NOT NULL,
    pending_since BIGINT NOT NULL,
    skew BIGINT,
    clock_off INTEGER NOT NULL,
    round_trip BIGINT
);

ALTER TABLE terminals ADD COLUMN answers_echo INTEGER NOT NULL DEFAULT 0;

CREATE TABLE deliveries (
    id TEXT NOT NULL,
    webhook TEXT NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (webhook, id)
);
CREATE INDEX deliveries_due ON deliveries (webhook, due_at);
CREATE INDEX deliveries_by_age ON deliveries (created_at);
