-- One index lists a batch and finds its receipts: each index of the journal is a page more to write for each message.

DROP INDEX journal_by_batch;
