"""Background jobs (django.tasks). A job is a wake-up that may be asked for again: the rows are the truth."""

from datetime import timedelta

from django.tasks import task
from django.utils import timezone

from signatures import counts, retention
from signatures.audit import checkpoints
from signatures.delivery import building, reconciliation
from signatures.models import BulkRule
from signatures.moderation import bulk_rule_runs, bulk_rules, decisions
from signatures.monitoring import alarms
from signatures.screening import bursts


@task()
def fold_count_deltas() -> int:
    """Fold the tally; how many entries went."""
    return counts.fold_deltas()


@task()
def delete_network_digests() -> int:
    """Forget the networks that are no longer needed; of how many signatures. Due every hour."""
    return retention.delete_network_digests()


@task()
def create_checkpoint() -> int:
    """Seal the trail's new entries; how many. Due each minute, and alone: no trouble of the rest may stop it."""
    return checkpoints.create_checkpoint()


@task()
def recount(by: int | None = None) -> int:
    """Count all anew; in how many letters the counts are adrift. Nightly, and when staff ask."""
    return alarms.recount(by=by)


@task()
def build_delivery(delivery_id: int) -> None:
    """Make the files of a frozen delivery; asked for twice, it is made once."""
    building.build(delivery_id)


@task()
def reconcile() -> None:
    """Check every count, of letters and of deliveries with their packages; what does not agree is an alarm."""
    for code, sentence in reconciliation.check_deliveries().items():
        alarms.raise_alarm(code, sentence, timezone.now() + timedelta(days=1, hours=1))


@task()
def run_due_duties() -> None:
    """What is due each minute: bursts, rules, alarms, what is over; daily recount and pruning."""
    for number in bulk_rule_runs.stalled():
        run_bulk_rule.enqueue(number)
    bursts.flag_bursts()  # first: what belongs to one does not stand by rule, and its buckets go with the day
    decisions.approve_unflagged()
    for delivery_id in building.unfinished():
        build_delivery.enqueue(delivery_id)
    alarms.check()
    retention.delete_expired_buckets()
    retention.sync_tombstones()
    if alarms.is_recount_due():
        alarms.recount()
    if reconciliation.is_due():
        reconcile.enqueue()
    if retention.is_due():
        retention.prune()


@task()
def run_bulk_rule(number: int) -> None:
    """Work on this invalidation, or on its undoing, for one turn, and ask for another while there is work."""
    if bulk_rule_runs.run(number):
        run_bulk_rule.enqueue(number)


@task()
def preview_bulk_rule(number: int) -> None:
    """Count what this invalidation would take."""
    for rule in BulkRule.objects.filter(pk=number, step=BulkRule.Step.DRAFT):
        bulk_rules.save_preview(rule)
