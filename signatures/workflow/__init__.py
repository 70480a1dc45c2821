"""Every change of state, and the switches: a verb locks, checks that the move is allowed, saves, writes the trail."""

from signatures.workflow.decisions import (
    Decided,
    approve,
    approve_by_rule,
    ask,
    decide,
    feature,
    hold,
    mail_questions,
    reject,
    undo,
)
from signatures.workflow.moves import FROM, NotAllowed, held
from signatures.workflow.signers import Answer, answer, change, confirm, erase, not_me, send_link, sign, withdraw
from signatures.workflow.switches import loosen, pause, resume, tighten

__all__ = [
    "FROM",
    "Answer",
    "Decided",
    "NotAllowed",
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
    "sign",
    "tighten",
    "undo",
    "withdraw",
]
