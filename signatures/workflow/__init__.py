"""Every change of state, and the switches: a verb locks, checks that the move is allowed, saves, writes the trail."""

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
from signatures.workflow.moves import FROM, NotAllowed, Overtaken, held
from signatures.workflow.notables import feature, shift
from signatures.workflow.signers import Answer, answer, change, confirm, erase, not_me, send_link, sign, withdraw
from signatures.workflow.switches import loosen, pause, resume, tighten

__all__ = [
    "FROM",
    "NAMED",
    "Answer",
    "Decided",
    "NotAllowed",
    "Overtaken",
    "answer",
    "approve",
    "approve_by_rule",
    "ask",
    "change",
    "confirm",
    "decide",
    "erase",
    "feature",
    "held",
    "hold",
    "loosen",
    "mail_questions",
    "not_me",
    "pause",
    "reject",
    "resume",
    "send_link",
    "shift",
    "sign",
    "tighten",
    "undo",
    "withdraw",
]
