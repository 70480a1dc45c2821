"""Background jobs (django.tasks). A job is a wake-up that may be asked for again: the rows are the truth."""

from django.tasks import task

from signatures import counts, invalidation, retention, watch, workflow


@task()
def fold_counts() -> int:
    """Fold the tally; how many entries went."""
    return counts.fold()


@task()
def forget_networks() -> int:
    """Forget the networks that are no longer needed; of how many signatures. Due every hour."""
    return retention.forget_networks()


@task()
def keep_house() -> None:
    """What is due each minute: bursts, names that a letter lets stand, alarms, what is over; once a day, pruning."""
    for number in invalidation.stalled():
        invalidate.enqueue(number)
    workflow.flag_bursts()  # first: what belongs to one does not stand by rule, and its buckets go with the day
    workflow.approve_by_rule()
    watch.look()
    retention.forget_buckets()
    retention.remember_tombstones()
    if retention.is_due():
        retention.prune()


@task()
def invalidate(number: int) -> None:
    """Work on this invalidation, or on its undoing, for one turn, and ask for another while there is work."""
    if invalidation.run(number):
        invalidate.enqueue(number)
