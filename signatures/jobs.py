"""Background jobs (django.tasks). A job is a wake-up that may be asked for again: the rows are the truth."""

from datetime import timedelta

from django.tasks import task
from django.utils import timezone

from signatures import counts, invalidation, retention, seals, watch, workflow
from signatures.delivery import making, reconciling
from signatures.models import Invalidation


@task()
def fold_counts() -> int:
    """Fold the tally; how many entries went."""
    return counts.fold()


@task()
def forget_networks() -> int:
    """Forget the networks that are no longer needed; of how many signatures. Due every hour."""
    return retention.forget_networks()


@task()
def seal_trail() -> int:
    """Seal the trail's new entries; how many. Due each minute, and alone: no trouble of the rest may stop it."""
    return seals.seal()


@task()
def recount(by: int | None = None) -> int:
    """Count all anew; in how many letters the counts are adrift. Nightly, and when staff ask."""
    return watch.recount(by=by)


@task()
def make_delivery(delivery_id: int) -> None:
    """Make the files of a frozen delivery; asked for twice, it is made once."""
    making.make(delivery_id)


@task()
def reconcile() -> None:
    """Check every count, of letters and of deliveries with their packages; what does not agree is an alarm."""
    for code, sentence in reconciling.nightly().items():
        watch.raise_alarm(code, sentence, timezone.now() + timedelta(days=1, hours=1))


@task()
def keep_house() -> None:
    """What is due each minute: bursts, rules, alarms, what is over; daily recount and pruning."""
    for number in invalidation.stalled():
        invalidate.enqueue(number)
    workflow.flag_bursts()  # first: what belongs to one does not stand by rule, and its buckets go with the day
    workflow.approve_by_rule()
    for delivery_id in making.unfinished():
        make_delivery.enqueue(delivery_id)
    watch.look()
    retention.forget_buckets()
    retention.remember_tombstones()
    if watch.is_recount_due():
        watch.recount()
    if reconciling.is_due():
        reconcile.enqueue()
    if retention.is_due():
        retention.prune()


@task()
def invalidate(number: int) -> None:
    """Work on this invalidation, or on its undoing, for one turn, and ask for another while there is work."""
    if invalidation.run(number):
        invalidate.enqueue(number)


@task()
def look(number: int) -> None:
    """Count what this invalidation would take."""
    for rule in Invalidation.objects.filter(pk=number, step=Invalidation.Step.DRAFT):
        invalidation.look(rule)
