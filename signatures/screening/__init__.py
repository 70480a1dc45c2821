"""What sends a signature to review: checks, rate limits, blocklists, bursts."""
