"""Limits on login attempts: they lock an account for one network, and keep scripts from filling the audit log."""

from signatures.audit import audit_log
from signatures.models import RateLimit
from signatures.registries import AuditAction
from signatures.screening import rate_limits


class LoginAttempts:
    """Counts an attempt for its account and network. The same account is not locked elsewhere (threat model A3)."""

    def __init__(self, key: str, network: str) -> None:
        self._account_key: dict[str, str] = {RateLimit.Scope.LOGIN: f"{key} {network}"}
        self._counted = rate_limits.count_event({**self._account_key, RateLimit.Scope.LOGIN_NETWORK: network})

    @property
    def are_exhausted(self) -> bool:
        return RateLimit.Scope.LOGIN in self._counted.over

    def record_failure(self, action: AuditAction, account_id: int | None) -> None:
        """Write an audit entry. Beyond the limit of the network one last entry tells that no others follow."""
        if RateLimit.Scope.LOGIN_NETWORK in self._counted.newly_over:
            audit_log.record(AuditAction.LOGIN_FLOOD)
        elif RateLimit.Scope.LOGIN_NETWORK not in self._counted.over:
            audit_log.record(action, staff_id=account_id)

    def record_lock(self, account_id: int | None) -> None:
        """Write an audit entry at the first attempt that is refused, and none at the following ones."""
        if RateLimit.Scope.LOGIN in self._counted.newly_over:
            self.record_failure(AuditAction.LOGIN_LOCKED, account_id)

    def reset(self) -> None:
        """Forget the attempts of somebody who has proved who they are."""
        if not self._counted.is_broken:
            rate_limits.reset(self._account_key)
