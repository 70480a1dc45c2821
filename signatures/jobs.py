"""Background jobs (django.tasks). A job is a wake-up that may be asked for again: the rows are the truth."""

from django.tasks import task

from signatures import counts


@task()
def fold_counts() -> int:
    """Fold the tally; how many entries went."""
    return counts.fold()
