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

    Too many attempts of one network are refused, whatever their accounts (A15). A browser that the account has signed
    in with before is counted by itself: what others in its network try does not keep it out (A19).

    Args:
        key: what is tried, and for whom.
        network: where it comes from.
        browser: the mark of a browser that is counted by itself; None for any other.
    """

    def __init__(self, key: str, network: str, browser: str | None = None) -> None:
        place = f"browser {browser}" if browser else network
        self._account_key: dict[str, str] = {_Scope.LOGIN: f"{key} {place}"}
        wide = "" if browser else wide_network_of(network)
        networks: dict[str, str] = {_Scope.LOGIN_NETWORK: place, **({_Scope.LOGIN_WIDE: wide} if wide else {})}
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

    def __init__(self, typed: str, account_id: int | None, network: str, *, browser: str | None) -> None:
        super().__init__(f"password {typed.casefold()}", network, browser)
        self._of_account: dict[str, str] = {_Scope.LOGIN: f"account {account_id} {browser or network}"}
        self.is_account_exhausted = _Scope.LOGIN in rate_limits.count_event(self._of_account).over

    def reset(self) -> None:
        super().reset()
        rate_limits.reset(self._of_account)


class CodeAttempts(LoginAttempts):
    """Counts an attempt to give a second factor (threat model A2, A19).

    A browser that the account has signed in with before has attempts of its own. All others share those of the account,
    so that guesses from many networks are few, too. Where they are spent, one code of the app is not even looked at;
    the code and the next one are, because two of them cannot be guessed. So whoever has the app gets in meanwhile.

    Passkeys, recovery codes and two codes have attempts of their own, which guesses of one code do not use up.

    Args:
        account_id: whose second factor it is.
        network: where it comes from.
        browser: the mark of a browser that the account has signed in with; None for any other.
        is_guessable: whether it is one code of the app. All else is too long to be guessed.
    """

    def __init__(self, account_id: int, network: str, *, browser: str | None, is_guessable: bool) -> None:
        super().__init__(f"{'code' if is_guessable else 'proof'} {account_id}", network, browser)
        self._is_guessable = is_guessable
        is_shared = browser is None and is_guessable and not super().are_exhausted
        shared = rate_limits.count_event({_Scope.CODE: str(account_id)}) if is_shared else rate_limits.Verdict()
        self._are_shared_exhausted = _Scope.CODE in shared.over

    @property
    def are_exhausted(self) -> bool:
        """Whether nothing is looked at any more from here, whatever it is."""
        return super().are_exhausted and not (self._is_guessable and _NETWORKS.isdisjoint(self._counted.over))

    @property
    def takes_two_codes_only(self) -> bool:
        """Whether one code of the app is not looked at, because too many were tried."""
        return self._is_guessable and (super().are_exhausted or self._are_shared_exhausted)
