"""Fixtures for moderation."""

import pytest

from signatures.moderation import bulk_rule_runs


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_rule_runs, "BATCH_SIZE", 7)
