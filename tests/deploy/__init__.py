"""What is in `deploy/`, read and tried."""
