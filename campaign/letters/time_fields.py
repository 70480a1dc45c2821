"""A form field for a time in a time zone, and the choice of zones."""

from datetime import UTC, datetime
from itertools import groupby
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils import timezone


class ZonedTimeField(forms.DateTimeField):
    """A time that is typed and shown in a time zone, to the minute."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        super().__init__(widget=widget, required=False, **options)
        self.zone = ZoneInfo("UTC")

    def prepare_value(self, value: Any) -> Any:
        with timezone.override(self.zone):
            return super().prepare_value(value)

    def to_python(self, value: Any) -> datetime | None:
        try:
            with timezone.override(self.zone):
                return super().to_python(value)
        except forms.ValidationError as error:
            if error.code != "ambiguous_timezone":
                raise
        with timezone.override(UTC):
            read = cast("datetime", super().to_python(value))
        naive = read.replace(tzinfo=None)
        is_twice = (
            naive.replace(tzinfo=self.zone).astimezone(ZoneInfo("UTC")).astimezone(self.zone).replace(tzinfo=None)
            == naive
        )
        why = "comes twice" if is_twice else "does not exist"
        how = "back" if is_twice else "forward"
        raise forms.ValidationError(
            f"This time {why} in {self.zone}: clocks are put {how} then. Please choose a time at least an hour away."
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Returns whether another minute was typed: seconds, which a letter that was closed has, are not shown."""
        try:
            typed = self.to_python(data)
        except forms.ValidationError:
            return True
        return bool(typed != (initial and initial.replace(second=0, microsecond=0)))


def zone_choices(current: str) -> list[tuple[str, Any]]:
    """Returns the time zones by region, and the current one whatever it is."""
    names = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))}
    regions = groupby(sorted(names | {current}), key=lambda name: name.split("/")[0] if "/" in name else "Other")
    places = [(region, [(name, name.replace("_", " ")) for name in group]) for region, group in regions]
    return [("UTC", "UTC"), *(place for place in places if place[0] != "Other" or current != "UTC")]
