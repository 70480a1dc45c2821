"""A run of all checks on a slow machine: the tests that have no time any more are left out, and told."""

import time

import pytest

from tests import conftest


@pytest.mark.parametrize("until", ["", "99999999999"])
def test_each_test_begins_where_no_moment_was_said_or_it_is_not_there_yet(
    monkeypatch: pytest.MonkeyPatch, until: str
) -> None:
    monkeypatch.setenv("TESTS_UNTIL", until)
    conftest.pytest_runtest_setup()


def test_none_begins_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS_UNTIL", str(time.time() - 1))
    with pytest.raises(pytest.skip.Exception, match="no time is left"):
        conftest.pytest_runtest_setup()
