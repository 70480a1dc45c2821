"""The daily email about the review queue, for members of staff who want it: how many wait, and since when."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from signatures.models import OutboxMail, QueueMail, Signature
from signatures.outbox import queue, topics
from signatures.staff import roles

FROM_HOUR = 6  # UTC


def choose(staff_id: int, *, is_wanted: bool) -> None:
    """Turns the email on or off for an account. The first one comes the next morning."""
    QueueMail.objects.filter(pk=staff_id).delete()
    if is_wanted:
        QueueMail.objects.create(staff_id=staff_id, queued_on=timezone.now().date())


@transaction.atomic
def enqueue_daily() -> int:
    """Enqueues the email of today for each moderator who wants it, once. Returns the number of emails enqueued."""
    now = timezone.now()
    if now.hour < FROM_HOUR:
        return 0
    wanted = QueueMail.objects.filter(Q(queued_on=None) | Q(queued_on__lt=now.date()))
    ids = list(wanted.select_for_update(skip_locked=True).values_list("pk", flat=True))
    if not ids:
        return 0
    QueueMail.objects.filter(pk__in=ids).update(queued_on=now.date())
    if not Signature.objects.to_review().exists():
        return 0
    moderators = sorted({*ids} & {*roles.alarm_recipients()})  # whoever lost the role is told nothing
    return queue.enqueue_for_staff(moderators, kind=OutboxMail.Kind.ALARM, topic=topics.WAITING)
