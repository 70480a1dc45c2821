"""Audit actions: every code that an audit entry can have. `audit_log.record` refuses any other."""

from enum import StrEnum
from typing import Self


class ActionGroup(StrEnum):
    """How the audit log groups its actions for staff."""

    DECISIONS = "decisions", "decisions"
    RULES = "rules", "bulk rules and blocklists"
    STAFF = "staff", "staff: logins, accounts, second factors"
    VIEWS = "views", "views and searches"
    EXPORTS = "exports", "exports"
    DELIVERIES = "deliveries", "deliveries"
    SIGNERS = "signers", "what signers and readers did"
    SETTINGS = "settings", "changes of lists, limits and letters"
    PROGRAM = "program", "the program itself"

    heading: str

    def __new__(cls, code: str, heading: str) -> Self:
        group = str.__new__(cls, code)
        group._value_ = code
        group.heading = heading
        return group


_DECISIONS, _RULES, _STAFF, _VIEWS, _EXPORTS, _DELIVERIES, _SIGNERS, _SETTINGS, _PROGRAM = ActionGroup


class AuditAction(StrEnum):
    """Each action: its code, its group, the sentence in the audit log.

    An action on one signature also has the words that follow "Somebody else …" for a second moderator.
    """

    APPROVE = "approve", _DECISIONS, "Approved.", "approved it"
    REJECT = "reject", _DECISIONS, "Rejected.", "rejected it"
    HOLD = "hold", _DECISIONS, "Held.", "held it"
    UNDO = "undo", _DECISIONS, "Undid the last decision.", "undid a decision"
    ASK = "ask", _DECISIONS, "Asked the signer a question.", "asked its signer a question"
    UNDO_ASK = "undo-ask", _DECISIONS, "Took the question to the signer back.", "took the question to its signer back"
    FEATURE = "feature", _DECISIONS, "Featured.", "featured it"
    UNFEATURE = "unfeature", _DECISIONS, "Featured no longer.", "took it off the featured"
    MOVE_FEATURED = "move-featured", _DECISIONS, "Moved among the featured.", "moved it among the featured"
    DISMISS_REPORT = "dismiss-report", _DECISIONS, "Dismissed a report: the name stays.", "dismissed a report on it"
    IMPORT = "import", _DECISIONS, "Imported from paper.", "imported it"
    UNDO_IMPORT = "undo-import", _DECISIONS, "Undid an import from paper.", "undid its import"

    REQUEST = "request", _DECISIONS, "Recorded a request of a signer.", "recorded a request about it"
    REQUEST_DECLINED = "request-declined", _DECISIONS, "Declined a request of a signer.", "declined a request about it"
    WITHDRAW_ON_REQUEST = "withdraw-on-request", _DECISIONS, "Withdrew it on request.", "withdrew it on request"
    ERASE_ON_REQUEST = "erase-on-request", _DECISIONS, "Erased everything on request.", "erased it on request"
    HIDE = "hide", _DECISIONS, "Hid the name from the website.", "hid its name"
    SHOW = "show", _DECISIONS, "Showed the name on the website again.", "showed its name again"
    CORRECT = "correct", _DECISIONS, "Corrected a typo on request.", "corrected a typo in it"
    RESEND_LINK = "resend-link", _DECISIONS, "Asked to send the link again.", "asked to send its link again"
    CONFIRM_ON_EVIDENCE = (
        "confirm-on-evidence", _DECISIONS, "Confirmed on evidence, in place of the signer.", "confirmed it on evidence",
    )  # fmt: skip

    RULE_MADE = "rule-made", _RULES, "Wrote a bulk rule."
    RULE_PREVIEWED = "rule-previewed", _RULES, "Counted what a bulk rule would reject."
    RULE_STARTED = "rule-started", _RULES, "Started a bulk rule."
    RULE_CHANGED = "rule-changed", _RULES, "The number had changed: the bulk rule went back to its preview."
    RULE_CANCELED = "rule-canceled", _RULES, "Canceled a bulk rule."
    RULE_DONE = "rule-done", _RULES, "A bulk rule is done."
    RULE_UNDO = "rule-undo", _RULES, "Started to undo a bulk rule."
    RULE_UNDONE = "rule-undone", _RULES, "A bulk rule is undone."
    UNDO_STARTED = "undo-started", _RULES, "Started to undo a decision about many signatures."
    UNDO_DONE = "undo-done", _RULES, "Undid a decision about many signatures."
    RULE_DROPPED = "rule-dropped", _RULES, "Discarded a bulk rule."
    INVALIDATE = "invalidate", _RULES, "Rejected by a bulk rule.", "rejected it"
    FLAG = "flag", _RULES, "Flagged afterwards: it belongs to a flood.", "flagged it"
    BLOCK_TRIED = "block-tried", _RULES, "Counted what a block would have flagged."
    BLOCK_ON = "block-on", _RULES, "Switched a block on."
    BLOCK_OFF = "block-off", _RULES, "Switched a block off."
    BLOCK_END = "block-end", _RULES, "Ended a block."

    LOGIN = "login", _STAFF, "Logged in."
    LOGIN_AGAIN = "login-again", _STAFF, "Signed in again."
    LOGIN_FAILED = "login-failed", _STAFF, "A login failed."
    SECOND_FACTOR_FAILED = "second-factor-failed", _STAFF, "A code or passkey was wrong."
    LOGIN_LOCKED = "login-locked", _STAFF, "Too many attempts: this name is locked for that network."
    LOGIN_FLOOD = "login-flood", _STAFF, "Too many failed logins from one network; the next ones are not recorded."
    LOGOUT = "logout", _STAFF, "Logged out."
    INVITE = "invite", _STAFF, "Invited somebody."
    ASK_PASSWORD = "ask-password", _STAFF, "A new password was asked for."
    SET_PASSWORD = "set-password", _STAFF, "Set a password."
    SET_ACCOUNT = "set-account", _STAFF, "Changed an account."
    SET_ROLES = "set-roles", _STAFF, "Changed the roles of an account."
    SECOND_FACTOR_ADDED = "second-factor-added", _STAFF, "Set up a second factor."
    SECOND_FACTOR_REMOVED = "second-factor-removed", _STAFF, "A second factor was removed."
    SECOND_FACTOR_RESET_ASKED = "factor-reset-asked", _STAFF, "Asked to reset the second factor of a colleague."
    RECOVERY_CODES = "recovery-codes", _STAFF, "Made new recovery codes."

    VIEW = "view", _VIEWS, "Looked at the details of one signer."
    SEARCH = "search", _VIEWS, "Searched in a list."
    LOOKUP_REFUSED = "lookup-refused", _VIEWS, "Asked a list for a filter that it does not show; refused."

    EXPORT = "export", _EXPORTS, "Exported the list of those who signed."
    EXPORT_SUBSCRIBERS = "export-subscribers", _EXPORTS, "Opened the addresses kept for updates."
    QUEUE_QUESTIONS = "queue-questions", _EXPORTS, "Queued emails to those who were asked."
    QUEUE_UPDATES = "queue-updates", _EXPORTS, "Queued emails about what became of the letter."

    FREEZE = "freeze", _DELIVERIES, "Froze a delivery."
    STATE = "state", _DELIVERIES, "Made the statement of a delivery."
    MAKE_EDITION = "make-edition", _DELIVERIES, "Made an edition of the files of a delivery."
    TIME_STAMP = "time-stamp", _DELIVERIES, "Took in a time stamp of the statement of a delivery."
    COUNTERSIGN = "countersign", _DELIVERIES, "Took in the signature of an auditor on a delivery."
    MAKE_FILES = "make-files", _DELIVERIES, "Requested the files of a delivery."
    STOP_FILES = "stop-files", _DELIVERIES, "Stopped making the files of a delivery."
    DOWNLOAD = "download", _DELIVERIES, "Downloaded a package."
    HAND_OVER = "hand-over", _DELIVERIES, "Recorded that a delivery was handed over."
    CORRECT_HAND_OVER = "correct-hand-over", _DELIVERIES, "Corrected what was recorded about a handing over."
    ACKNOWLEDGE = "acknowledge", _DELIVERIES, "Recorded that a delivery was acknowledged."
    RETRACT_ACKNOWLEDGMENT = "retract-acknowledgment", _DELIVERIES, "Took back that a delivery was acknowledged."
    VOID = "void", _DELIVERIES, "Voided a delivery."
    ERRATUM = "erratum", _DELIVERIES, "Rejected after a delivery had it: an erratum."

    CONFIRM = "confirm", _SIGNERS, "The signer confirmed.", "confirmed it"
    CHANGE = "change", _SIGNERS, "The signer changed words or visibility.", "changed it"
    UNDO_CORRECTION = (
        "undo-correction", _SIGNERS, "The signer took back a correction by staff.", "took back a correction",
    )  # fmt: skip
    ANSWER = "answer", _SIGNERS, "The signer answered: it is right as it is.", "answered a question"
    WITHDRAW = "withdraw", _SIGNERS, "The signer withdrew the signature.", "withdrew it"
    ERASE = "erase", _SIGNERS, "The signer erased everything.", "erased it"
    END_UPDATES = "end-updates", _SIGNERS, "The signer wants no more emails about the letter.", "ended the updates"
    REPORT = "report", _SIGNERS, "A reader reported the public name.", "reported it"
    NOT_ME = "not-me", _SIGNERS, "The owner of the mailbox never signed; it was deleted.", "never signed it"

    SET_LETTER = "set-letter", _SETTINGS, "Added or changed a letter."
    SET_TRANSLATION = "set-translation", _SETTINGS, "Added or changed a translation."
    SET_NEWS = "set-news", _SETTINGS, "Added or changed news."
    SET_NEWSTEXT = "set-newstext", _SETTINGS, "Added or changed a text of news."
    SET_NOTICE = "set-notice", _SETTINGS, "Added or changed a notice on all pages."
    SET_NOTICETEXT = "set-noticetext", _SETTINGS, "Added or changed the words of a notice."
    SET_PRIVACYTEXT = "set-privacytext", _SETTINGS, "Added or changed the privacy notice of a letter."
    SET_HANDSIGNATURE = "set-handsignature", _SETTINGS, "Added or changed the image of a signature by hand."
    SET_RATELIMIT = "set-ratelimit", _SETTINGS, "Added or changed a rate limit."
    SET_EMAILSUBJECT = "set-emailsubject", _SETTINGS, "Added or changed the subject of an email."
    SET_QUESTION = "set-question", _SETTINGS, "Added or changed a question to signers."
    SET_REJECTIONREASON = "set-rejectionreason", _SETTINGS, "Added or changed a reason for rejections."
    SET_BLOCKLISTENTRY = "set-blocklistentry", _SETTINGS, "Added or changed a block."
    REMOVE_LETTER = "remove-letter", _SETTINGS, "Deleted a letter."
    REMOVE_TRANSLATION = "remove-translation", _SETTINGS, "Deleted a translation."
    REMOVE_NEWS = "remove-news", _SETTINGS, "Deleted news."
    REMOVE_NEWSTEXT = "remove-newstext", _SETTINGS, "Deleted a text of news."
    REMOVE_NOTICE = "remove-notice", _SETTINGS, "Deleted a notice."
    REMOVE_NOTICETEXT = "remove-noticetext", _SETTINGS, "Deleted the words of a notice in one language."
    REMOVE_PRIVACYTEXT = "remove-privacytext", _SETTINGS, "Deleted the privacy notice of a letter in one language."
    REMOVE_HANDSIGNATURE = "remove-handsignature", _SETTINGS, "Deleted the image of a signature by hand."
    REMOVE_RATELIMIT = "remove-ratelimit", _SETTINGS, "Deleted a rate limit."
    REMOVE_EMAILSUBJECT = "remove-emailsubject", _SETTINGS, "Deleted the subject of an email."
    REMOVE_QUESTION = "remove-question", _SETTINGS, "Deleted a question to signers."
    REMOVE_REJECTIONREASON = "remove-rejectionreason", _SETTINGS, "Deleted a reason for rejections."
    REMOVE_BLOCKLISTENTRY = "remove-blocklistentry", _SETTINGS, "Deleted a block."
    PUBLISH = "publish", _SETTINGS, "Published a text: it is frozen."
    ANNOUNCE = "announce", _SETTINGS, "Published news on a letter."
    TAKE_BACK = "take-back", _SETTINGS, "Took a text back that was published by mistake."
    RETRACT = "retract", _SETTINGS, "Took news off the page."
    PUT_FIRST = "put-first", _SETTINGS, "Put a letter on the front page."
    PUT_FIRST_BY_ITSELF = "put-first-by-itself", _SETTINGS, "Let the newest open letter be on the front page again."
    PAUSE = "pause", _SETTINGS, "Paused signing."
    RESUME = "resume", _SETTINGS, "Resumed signing."
    TIGHTEN = "tighten", _SETTINGS, "Tightened the limits."
    LOOSEN = "loosen", _SETTINGS, "Loosened the limits."
    PAUSE_FLAGGED_MAIL = "pause-flagged-mail", _SETTINGS, "Paused emails to flagged sign-ups."
    RESUME_FLAGGED_MAIL = "resume-flagged-mail", _SETTINGS, "Resumed emails to flagged sign-ups."
    SEND_AGAIN = "send-again", _SETTINGS, "Had the emails that failed sent again."
    RELEASE_ADDRESS = "release-address", _SETTINGS, "Let an address get emails again."
    ASK_FOR_WORK = "ask-for-work", _SETTINGS, "Asked every browser for some seconds of work."
    STOP_ASKING_FOR_WORK = "stop-asking-for-work", _SETTINGS, "Stopped asking browsers for work."

    LEFT_OUT = "left-out", _PROGRAM, "Too many entries of one kind by strangers; the next ones are left out."
    PRUNE = "prune", _PROGRAM, "Deleted what was kept long enough."
    ALARM = "alarm", _PROGRAM, "Alarm."
    ALARM_SEEN = "alarm-seen", _PROGRAM, "Saw an alarm."
    BACKUP = "backup", _PROGRAM, "Made a backup."
    ERASE_AGAIN = "erase-again", _PROGRAM, "Erased what a backup had brought back.", "erased it, after a backup"
    RECOUNT = "recount", _PROGRAM, "Counted all signatures anew."
    RECONCILE = "reconcile", _PROGRAM, "Checked that every count agrees."

    group: ActionGroup
    sentence: str
    words_for_others: str

    def __new__(
        cls, code: str, group: ActionGroup = _PROGRAM, sentence: str = "", words_for_others: str = ""
    ) -> Self:  # with defaults, because mypy checks AuditAction(code) against this signature
        action = str.__new__(cls, code)
        action._value_ = code
        action.group, action.sentence, action.words_for_others = group, sentence, words_for_others
        return action


def find_action(code: str) -> AuditAction | None:
    """Returns the action of a code from the database; None for a code that is no longer registered."""
    return next((action for action in AuditAction if action == code), None)


# What requests without a signed-in account can cause again and again, about nothing that is theirs. Their entries are
# limited (threat model A18), because nobody can delete an entry. A new such action belongs in here.
STRANGERS_ACTIONS = frozenset(
    {
        AuditAction.LOGIN_FAILED,
        AuditAction.SECOND_FACTOR_FAILED,
        AuditAction.LOGIN_LOCKED,
        AuditAction.LOGIN_FLOOD,
        AuditAction.ASK_PASSWORD,
        AuditAction.REPORT,
    }
)
READ_ACTIONS = (AuditAction.VIEW, AuditAction.SEARCH, AuditAction.ERRATUM)  # what changed nothing about a signature
# With what a signature leaves the letter for good.
LEAVING_ACTIONS = (
    AuditAction.WITHDRAW, AuditAction.ERASE, AuditAction.NOT_ME, AuditAction.UNDO_IMPORT,
    AuditAction.WITHDRAW_ON_REQUEST, AuditAction.ERASE_ON_REQUEST, AuditAction.ERASE_AGAIN,
)  # fmt: skip
