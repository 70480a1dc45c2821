"""The steps of a delivery that staff take: the form of each, and what it says before it is done."""

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextInputWidget

from campaign.letters.forms import ShownValuesForm
from signatures.delivery import attestations, freezing, hand_overs
from signatures.models import Delivery
from signatures.transitions import TransitionNotAllowed


class StepForm(forms.Form):
    """What a step asks for. Its days are those of the letter's time zone."""

    def __init__(self, delivery: Delivery, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.delivery = delivery

    @property
    def arguments(self) -> dict[str, Any]:
        """Returns what the action takes."""
        return self.cleaned_data


class DayForm(StepForm):
    """The day of a step. `require_day` raises TransitionNotAllowed if it cannot have been on a day."""

    require_day: ClassVar[Callable[[Delivery, date], None]]
    on = forms.DateField(label="Day", widget=forms.DateInput(attrs={"type": "date"}))

    def clean_on(self) -> date:
        day: date = self.cleaned_data["on"]
        try:
            type(self).require_day(self.delivery, day)
        except TransitionNotAllowed as error:
            raise forms.ValidationError(str(error)) from None
        return day


class AcknowledgeForm(DayForm):
    require_day = hand_overs.require_day_of_acknowledgment


class HandOverForm(DayForm):
    require_day = hand_overs.require_day_of_hand_over
    to = forms.CharField(label="To whom", max_length=200, widget=AdminTextInputWidget)
    at = forms.CharField(label="Place", max_length=200, required=False, widget=AdminTextInputWidget)
    note = forms.CharField(
        label="Note",
        max_length=500,
        required=False,
        widget=AdminTextInputWidget,
        help_text="For staff; not shown to the public.",
    )


class CorrectForm(HandOverForm, ShownValuesForm):
    reason = forms.CharField(
        label="Why",
        max_length=300,
        widget=AdminTextInputWidget,
        help_text="For staff; kept in the audit log and with this delivery.",
    )

    def __init__(self, delivery: Delivery, *args: Any, **options: Any) -> None:
        super().__init__(delivery, *args, initial=hand_overs.recorded(delivery), **options)

    @property
    def arguments(self) -> dict[str, Any]:
        return {**self.cleaned_data, "shown": self.shown}


class CountersignForm(StepForm):
    key = forms.CharField(label="Public key of the auditor", max_length=60, widget=AdminTextInputWidget)
    signature = forms.CharField(
        label="statement.json.minisig of the auditor",
        max_length=attestations.MAX_BYTES,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text="Made with minisign -Sm statement.json, from the package. It is checked before it is taken in.",
    )


class TimeStampForm(StepForm):
    reply = forms.FileField(label="The reply of the authority (.tsr)", max_length=200)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reply"].help_text = (
            "Its signature must lead to the root certificate that this site names (TIMESTAMP_CERTIFICATE_FILE)."
            if settings.TIMESTAMP_CERTIFICATES
            else "This site names no root certificate of an authority (TIMESTAMP_CERTIFICATE_FILE). The signature is "
            "checked with the certificates in the reply alone: this does not prove who the authority is."
        )

    def clean_reply(self) -> bytes:
        return bytes(self.cleaned_data["reply"].read(attestations.MAX_BYTES))


class VoidForm(StepForm):
    reason = forms.CharField(label="Why it is void", max_length=300, widget=AdminTextInputWidget)


class RetractForm(StepForm):
    reason = forms.CharField(label="Why", max_length=300, widget=AdminTextInputWidget)


class Step(NamedTuple):
    """A step of a delivery that staff take on a page of its own, which says what cannot be undone."""

    title: str
    states: set[Delivery.State]  # in which it is possible
    form: type[StepForm]
    action: Callable[..., Any]  # takes the arguments of the form
    consequence: str


STEPS = {
    "hand-over": Step(
        "It was handed over", {Delivery.State.READY}, HandOverForm, freezing.hand_over,
        "This cannot be undone. The delivery page shows day, recipient and place, and whoever withdraws or is rejected "
        "from now on becomes an erratum.",
    ),
    "correct-hand-over": Step(
        "Correct the hand-over", {Delivery.State.HANDED_OVER, Delivery.State.ACKNOWLEDGED}, CorrectForm,
        freezing.correct_hand_over,
        "The delivery page shows the corrected day, recipient and place, and below them what it said before and the "
        "day of the correction. Both stay. You can correct it again. Emails that were sent stay as they are.",
    ),
    "acknowledge": Step(
        "It was acknowledged", {Delivery.State.HANDED_OVER}, AcknowledgeForm, freezing.acknowledge,
        "The addresses that people left for updates are deleted {months} months after this day, and not before "
        "{first}. Until then it can be taken back.",
    ),
    "not-acknowledged": Step(
        "It was not acknowledged", {Delivery.State.ACKNOWLEDGED}, RetractForm, freezing.retract_acknowledgment,
        "The day is taken off the delivery page. Emails about it that were sent, and addresses that were deleted, stay "
        "so.",
    ),
    "countersign": Step(
        "Countersign", {Delivery.State.READY, Delivery.State.HANDED_OVER, Delivery.State.ACKNOWLEDGED},
        CountersignForm, attestations.countersign,
        "The delivery page shows the auditor's key, and a new edition of the files holds the signature. Both stay.",
    ),
    "time-stamp": Step(
        "Take in a time stamp", {Delivery.State.READY, Delivery.State.HANDED_OVER, Delivery.State.ACKNOWLEDGED},
        TimeStampForm, attestations.add_time_stamp,
        "Send the request, which the page before this one has as a file, to an authority (RFC 3161), and give its "
        "reply here. A new edition of the files holds it. It stays.",
    ),
    "void": Step(
        "Call it back (void)", {Delivery.State.FROZEN, Delivery.State.READY}, VoidForm, freezing.void,
        "This cannot be undone: the public page of this delivery goes, its package is deleted, and its number is not "
        "used again. You can freeze another delivery.",
    ),
}  # fmt: skip
