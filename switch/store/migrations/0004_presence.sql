-- Whether terminals are there: when each was last seen, and what it told of itself.

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
