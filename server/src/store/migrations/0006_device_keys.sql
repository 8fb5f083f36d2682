-- A device shows itself by a key that it made, and no longer by a credential that can be copied.
-- public_key is empty for a device that was enrolled before: it has to be enrolled again.
CREATE TABLE devices_with_keys (
    id            BLOB NOT NULL PRIMARY KEY,
    account       BLOB NOT NULL REFERENCES accounts (id),
    name          TEXT NOT NULL,
    app_version   TEXT NOT NULL,
    public_key    BLOB UNIQUE CHECK (length(public_key) = 32),
    key_since_ms  INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL,
    enrolled_ms   INTEGER NOT NULL,
    last_seen_ms  INTEGER NOT NULL,
    revoked_ms    INTEGER,
    -- When somebody asked for the device's data to be erased, and when the device said that it is about to.
    wipe_ms       INTEGER,
    wiped_ms      INTEGER
) STRICT;
INSERT INTO devices_with_keys (id, account, name, app_version, key_since_ms, expires_ms, enrolled_ms, last_seen_ms, revoked_ms)
    SELECT id, account, name, app_version, enrolled_ms, expires_ms, enrolled_ms, last_seen_ms, revoked_ms FROM devices;
DROP TABLE devices;
ALTER TABLE devices_with_keys RENAME TO devices;
CREATE INDEX devices_by_account ON devices (account);

-- The device that a code made, so that the same device may ask again after a lost answer.
ALTER TABLE codes ADD COLUMN device BLOB REFERENCES devices (id);
