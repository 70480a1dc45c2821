"""Outgoing email: the queue, rendering, sending."""
