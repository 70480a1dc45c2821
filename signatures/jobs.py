"""Background jobs (django.tasks). A job is a wake-up that may be asked for again: the rows are the truth."""

from django.tasks import task

from signatures import counts, retention, watch


@task()
def fold_counts() -> int:
    """Fold the tally; how many entries went."""
    return counts.fold()


@task()
def keep_house() -> None:
    """What is due each minute: alarms, buckets whose time is over, the tombstones' file; once a day, pruning."""
    watch.look()
    retention.forget_buckets()
    retention.remember_tombstones()
    if retention.is_due():
        retention.prune()
