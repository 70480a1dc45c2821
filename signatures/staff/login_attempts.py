"""Limits on attempts to log in. They come before the password is hashed, and lock no account everywhere."""

from campaign.web.client_network import wide_network_of
from signatures.audit import audit_log
from signatures.models import RateLimit
from signatures.registries import AuditAction
from signatures.screening import rate_limits

_Scope = RateLimit.Scope
_NETWORKS = frozenset({_Scope.LOGIN_NETWORK, _Scope.LOGIN_WIDE})


class LoginAttempts:
    """Counts an attempt for its account and network. The same account is not locked elsewhere (threat model A3).

    Too many attempts of one network are refused, whatever their accounts (A15).
    """

    def __init__(self, key: str, network: str) -> None:
        self._account_key: dict[str, str] = {_Scope.LOGIN: f"{key} {network}"}
        wide = wide_network_of(network)
        networks: dict[str, str] = {_Scope.LOGIN_NETWORK: network, **({_Scope.LOGIN_WIDE: wide} if wide else {})}
        self._counted = rate_limits.count_event({**self._account_key, **networks})

    @property
    def are_exhausted(self) -> bool:
        return not self._counted.over.isdisjoint({_Scope.LOGIN, *_NETWORKS})

    def record_failure(self, action: AuditAction, account_id: int | None) -> None:
        """Write an audit entry about an attempt that was not refused."""
        audit_log.record(action, staff_id=account_id)

    def record_lock(self, account_id: int | None) -> None:
        """Write an audit entry at the first attempt that is refused, and none at the following ones.

        The entry about a network tells that no others follow: a script must not fill the audit log.
        """
        if not _NETWORKS.isdisjoint(self._counted.newly_over):
            audit_log.record(AuditAction.LOGIN_FLOOD)
        elif _NETWORKS.isdisjoint(self._counted.over) and _Scope.LOGIN in self._counted.newly_over:
            audit_log.record(AuditAction.LOGIN_LOCKED, staff_id=account_id)

    def reset(self) -> None:
        """Forget the attempts of somebody who has proved who they are."""
        if not self._counted.is_broken:
            rate_limits.reset(self._account_key)


class PasswordAttempts(LoginAttempts):
    """Counts an attempt to give a password: for what was typed, and for the account that it names.

    What was typed is locked openly, as a name that does not exist is. An account has a user name and an email address,
    and both together have as many attempts as one: further ones fail like a wrong password. A lock that both share
    would tell whose address it is (threat model A3, A13).
    """

    def __init__(self, typed: str, account_id: int | None, network: str) -> None:
        super().__init__(f"password {typed.casefold()}", network)
        self._of_account: dict[str, str] = {_Scope.LOGIN: f"account {account_id} {network}"}
        self.is_account_exhausted = _Scope.LOGIN in rate_limits.count_event(self._of_account).over

    def reset(self) -> None:
        super().reset()
        rate_limits.reset(self._of_account)


class CodeAttempts(LoginAttempts):
    """Counts an attempt to give the code of a second factor (threat model A2, A19).

    A browser that the account has signed in with before has attempts of its own. All others share those of the account,
    so that guesses from many networks are few, too. They are few in a minute, not in an hour: soon after the last wrong
    code from elsewhere, the right one works.

    Args:
        account_id: whose code it is.
        network: where it comes from.
        browser: the mark of a browser that the account has signed in with; None for any other.
        is_guessable: whether the code is short. A recovery code is too long to be guessed.
    """

    def __init__(self, account_id: int, network: str, *, browser: str | None, is_guessable: bool) -> None:
        super().__init__(f"code {account_id}", f"browser {browser}" if browser else network)
        is_shared = browser is None and is_guessable and not super().are_exhausted
        shared = rate_limits.count_event({_Scope.CODE: str(account_id)}) if is_shared else rate_limits.Verdict()
        self._are_shared_exhausted = _Scope.CODE in shared.over

    @property
    def are_exhausted(self) -> bool:
        return super().are_exhausted or self._are_shared_exhausted
