"""What tests of the static mirror share."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command


@pytest.fixture(scope="package")
def statics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("static")


@pytest.fixture(autouse=True)
def collected(settings: Any, statics: Path) -> None:
    """Collects static files for this process alone: another one may be collecting its own."""
    settings.STATIC_ROOT = statics
    if not any(statics.iterdir()):
        call_command("collectstatic", interactive=False, verbosity=0)
