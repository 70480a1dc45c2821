"""Tests of static_mirror."""
