"""Tests of public_list."""
