"""What the process stands on: the embedded database, keys, logs, locks."""
