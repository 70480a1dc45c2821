"""Every change of state, and the switches: a verb locks, checks that the move is allowed, saves, writes the trail."""

from signatures.workflow.blocking import Trial, end, switch, try_on
from signatures.workflow.bursts import flag_bursts
from signatures.workflow.decisions import (
    NAMED,
    Decided,
    approve,
    approve_by_rule,
    ask,
    decide,
    hold,
    mail_questions,
    reject,
    undo,
)
from signatures.workflow.leaving import end_updates, erase, not_me, withdraw
from signatures.workflow.moves import FROM, NotAllowed, Overtaken, held
from signatures.workflow.notables import feature, shift
from signatures.workflow.reports import let_stand, report
from signatures.workflow.signers import Answer, answer, change, confirm, send_link, sign
from signatures.workflow.switches import loosen, pause, resume, tighten

__all__ = [
    "FROM",
    "NAMED",
    "Answer",
    "Decided",
    "NotAllowed",
    "Overtaken",
    "Trial",
    "answer",
    "approve",
    "approve_by_rule",
    "ask",
    "change",
    "confirm",
    "decide",
    "end",
    "end_updates",
    "erase",
    "feature",
    "flag_bursts",
    "held",
    "hold",
    "let_stand",
    "loosen",
    "mail_questions",
    "not_me",
    "pause",
    "reject",
    "report",
    "resume",
    "send_link",
    "shift",
    "sign",
    "switch",
    "tighten",
    "try_on",
    "undo",
    "withdraw",
]
