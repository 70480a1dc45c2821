"""Every change of a signature's state: a verb locks, checks that the move is allowed, saves, and writes the trail."""

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
from signatures.workflow.signers import (
    Answer,
    answer,
    change,
    confirm,
    end_updates,
    erase,
    not_me,
    send_link,
    sign,
    withdraw,
)

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
    "end_updates",
    "erase",
    "feature",
    "held",
    "hold",
    "mail_questions",
    "not_me",
    "reject",
    "send_link",
    "sign",
    "undo",
    "withdraw",
]
