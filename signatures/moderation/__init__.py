"""Decisions of staff: the review queue, bulk rules, paper imports, switches."""
