"""The progress of a build, which staff see, and through which they cancel it."""

import time
from collections.abc import Callable

from django.utils import timezone

from signatures.delivery import pdf
from signatures.models import Delivery

HEARTBEAT_SECONDS = 1.0  # between two heartbeats, each of which also asks whether the build was canceled
# Each stage with its first and last percent, and its name for staff.
STAGES = {
    "list": (0, 15, "list and leaves"),
    "letter": (15, 90, "the letter with its names"),
    "package": (90, 100, "the package"),
}


class Heartbeat:
    """Stores the progress of a build, and reads whether it was canceled, at most once in `HEARTBEAT_SECONDS`."""

    def __init__(self, delivery_id: int, on_progress: Callable[[int], object]) -> None:
        self._row, self._on_progress = Delivery.objects.filter(pk=delivery_id), on_progress
        self._stage, self._last_beat = "", 0.0
        self.is_canceled = False

    def enter(self, stage: str) -> None:
        """Raises pdf.JobCanceled if the build was canceled before this stage."""
        self._stage, self._last_beat = stage, 0.0
        self.at(0, 1)
        if self.is_canceled:
            raise pdf.JobCanceled

    def at(self, done: int, total: int) -> None:
        first, last, _name = STAGES[self._stage]
        percent = first + (last - first) * done // max(total, 1)
        self._on_progress(percent)
        if time.monotonic() - self._last_beat > HEARTBEAT_SECONDS:
            self._last_beat = time.monotonic()
            self._row.update(stage=self._stage, done=percent, seen_at=timezone.now())
            self.is_canceled = self._row.filter(build_canceled=True).exists()
