"""Background jobs (django.tasks). A job is a wake-up that may be asked for again: the rows are the truth."""

from django.tasks import task

from signatures import counts, retention, watch, workflow


@task()
def fold_counts() -> int:
    """Fold the tally; how many entries went."""
    return counts.fold()


@task()
def forget_networks() -> int:
    """Forget the networks that are no longer needed; of how many signatures. Due every hour."""
    return retention.forget_networks()


@task()
def recount(by: int | None = None) -> int:
    """Count all anew; in how many letters the counts are adrift. Nightly, and when staff ask."""
    return watch.recount(by=by)


@task()
def keep_house() -> None:
    """What is due each minute: what stands by rule, alarms, what is over; daily recount and pruning."""
    workflow.approve_by_rule()
    watch.look()
    retention.forget_buckets()
    retention.remember_tombstones()
    if watch.is_recount_due():
        watch.recount()
    if retention.is_due():
        retention.prune()
