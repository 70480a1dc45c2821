"""Infrastructure of a process: the embedded database, keys, logs, locks, email files."""
