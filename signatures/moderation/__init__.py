"""Decisions of staff: the review queue, bulk rules, switches."""
