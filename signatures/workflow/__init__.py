"""Every change of a signature's state: a verb locks, checks that the move is allowed, saves, and writes the trail."""

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
    "mail_questions",
    "not_me",
    "reject",
    "send_link",
    "shift",
    "sign",
    "undo",
    "withdraw",
]
