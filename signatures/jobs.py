"""Background jobs (django.tasks). A job is a wake-up that may be asked for again: the rows are the truth."""

from django.tasks import task

from signatures import counts, retention, watch, workflow
from signatures.delivery import making, reconciling


@task()
def fold_counts() -> int:
    """Fold the tally; how many entries went."""
    return counts.fold()


@task()
def forget_networks() -> int:
    """Forget the networks that are no longer needed; of how many signatures. Due every hour."""
    return retention.forget_networks()


@task()
def make_delivery(delivery_id: int) -> None:
    """Make the files of a frozen delivery; asked for twice, it is made once."""
    making.make(delivery_id)


@task()
def reconcile() -> None:
    """Check every count, of letters and of deliveries with their packages; what does not agree is an alarm."""
    for code, sentence in reconciling.nightly().items():
        watch.raise_alarm(code, sentence)


@task()
def keep_house() -> None:
    """What is due each minute: names that stand by rule, alarms, what is over; once a day, checking counts, pruning."""
    workflow.approve_by_rule()
    for delivery_id in making.unfinished():
        make_delivery.enqueue(delivery_id)
    watch.look()
    retention.forget_buckets()
    retention.remember_tombstones()
    if reconciling.is_due():
        reconcile.enqueue()
    if retention.is_due():
        retention.prune()
