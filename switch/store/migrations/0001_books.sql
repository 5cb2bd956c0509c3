-- The books. Amounts are minor units, times microseconds since 1970 (UTC), enums their names, truth 0 or 1.

CREATE TABLE merchants (
    id BIGINT PRIMARY KEY,
    merchant_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    stores TEXT NOT NULL
);

CREATE TABLE terminals (
    id BIGINT PRIMARY KEY,
    merchant BIGINT NOT NULL REFERENCES merchants (id),
    merchant_id TEXT NOT NULL,
    terminal_id TEXT NOT NULL,
    store TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    currencies TEXT NOT NULL,
    rights TEXT NOT NULL,
    partial INTEGER NOT NULL,
    texts INTEGER NOT NULL,
    explicit_open INTEGER NOT NULL,
    echo_seconds INTEGER NOT NULL,
    settle_at TEXT NOT NULL,
    listener TEXT NOT NULL,
    nii TEXT NOT NULL,
    active INTEGER NOT NULL,
    UNIQUE (terminal_id, merchant_id)
);

CREATE TABLE desks (
    terminal BIGINT NOT NULL,
    application TEXT NOT NULL,
    stan_count INTEGER NOT NULL,
    batch BIGINT NOT NULL,
    last_number INTEGER NOT NULL,
    PRIMARY KEY (terminal, application)
);

CREATE TABLE batches (
    id BIGINT PRIMARY KEY,
    terminal BIGINT NOT NULL,
    application TEXT NOT NULL,
    number INTEGER NOT NULL,
    named INTEGER NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    closed_by TEXT,
    reason TEXT NOT NULL
);
CREATE INDEX batches_by_number ON batches (terminal, application, number, opened_at);

CREATE TABLE holders (
    id BIGINT PRIMARY KEY
);

CREATE TABLE cards (
    id BIGINT PRIMARY KEY,
    holder BIGINT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    sealed_pan BYTES NOT NULL,
    masked_pan TEXT NOT NULL,
    product TEXT NOT NULL,
    currency TEXT NOT NULL,
    account BIGINT NOT NULL,
    state TEXT NOT NULL,
    block TEXT NOT NULL,
    denomination BIGINT,
    expires_at BIGINT,
    pin_hash BYTES,
    pin_tries INTEGER NOT NULL,
    pin_locks INTEGER NOT NULL,
    pin_locked_until BIGINT NOT NULL
);
CREATE INDEX cards_by_holder ON cards (holder);

CREATE TABLE accounts (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    holder BIGINT NOT NULL,
    currency TEXT NOT NULL,
    balance BIGINT NOT NULL,
    entries BIGINT NOT NULL
);
CREATE INDEX accounts_by_holder ON accounts (holder) WHERE holder > 0;

CREATE TABLE journal (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    message_class TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    terminal BIGINT NOT NULL,
    merchant BIGINT NOT NULL,
    store TEXT NOT NULL,
    application TEXT NOT NULL,
    batch BIGINT NOT NULL,
    stan INTEGER NOT NULL,
    stan_count INTEGER NOT NULL,
    rrn TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    programme INTEGER NOT NULL,
    listener TEXT NOT NULL,
    root BIGINT NOT NULL,
    original BIGINT NOT NULL,
    holder BIGINT NOT NULL,
    card_hash TEXT NOT NULL,
    card_id BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    card_amount BIGINT NOT NULL,
    card_currency TEXT NOT NULL,
    rate TEXT NOT NULL,
    sent_batch INTEGER,
    sent_at BIGINT,
    receipt TEXT,
    reference TEXT,
    reply TEXT,
    daemon TEXT NOT NULL,
    seal BIGINT NOT NULL
);
CREATE INDEX journal_by_message ON journal (terminal, stan, message_class, application, decided_at);
CREATE INDEX journal_by_card ON journal (card_hash, terminal, decided_at);
CREATE INDEX journal_by_rrn ON journal (rrn);
CREATE INDEX journal_by_root ON journal (root);
CREATE INDEX journal_by_seal ON journal (daemon, seal);
CREATE INDEX journal_by_time ON journal (decided_at);

CREATE TABLE entries (
    row_id BIGINT NOT NULL,
    account BIGINT NOT NULL,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    balance_after BIGINT,
    sequence BIGINT,
    PRIMARY KEY (row_id, account)
);
CREATE UNIQUE INDEX entries_in_sequence ON entries (account, sequence) WHERE sequence IS NOT NULL;

CREATE TABLE tombstones (
    id BIGINT PRIMARY KEY,
    terminal BIGINT NOT NULL,
    application TEXT NOT NULL,
    card_hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL,
    stan INTEGER NOT NULL,
    batch INTEGER,
    receipt TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tombstones_by_terminal ON tombstones (terminal, expires_at);

CREATE TABLE tallies (
    scope TEXT NOT NULL,
    bucket BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (scope, bucket)
);

CREATE TABLE seals (
    daemon TEXT NOT NULL,
    number BIGINT NOT NULL,
    count INTEGER NOT NULL,
    sealed_at BIGINT NOT NULL,
    mac BYTES NOT NULL,
    PRIMARY KEY (daemon, number)
);

CREATE TABLE programmes (
    version INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO counters (name, next) VALUES ('number', 1);
