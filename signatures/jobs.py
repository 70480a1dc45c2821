"""Background jobs (django.tasks). A job is a wake-up that may be asked for again: the rows are the truth."""

from django.tasks import task

from signatures import counts, retention, seals, watch, workflow


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
def keep_house() -> None:
    """What is due each minute: names that a letter lets stand by itself, alarms, what is over; once a day, pruning."""
    workflow.approve_by_rule()
    watch.look()
    retention.forget_buckets()
    retention.remember_tombstones()
    if retention.is_due():
        retention.prune()
