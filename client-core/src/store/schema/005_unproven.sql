-- Since the server told of another history, nothing has shown that it holds what it had acknowledged of this
-- document: the copy may not go before it was offered once more.
ALTER TABLE documents ADD COLUMN unproven INTEGER NOT NULL DEFAULT 0;
-- What waited for a comparison when this was introduced.
UPDATE documents SET unproven = 1
    WHERE leaving = 1 OR area IN (SELECT area FROM areas WHERE reconcile = 1);
