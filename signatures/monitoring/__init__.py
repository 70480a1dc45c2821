"""Alarms, statistics and the dashboard."""
