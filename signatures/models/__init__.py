"""The rows of the people who sign: signatures, mails to them, and what was done with them."""

from signatures.models.audit import AuditEntry, Checkpoint
from signatures.models.bulk_rule import BulkRule, BulkRuleChange
from signatures.models.delivery import Delivery, DeliveryEdition, DeliveryEntry, DeliveryErasure, Erratum
from signatures.models.kept_form import KeptForm
from signatures.models.listed_row import ListedRow
from signatures.models.moderation import Question, RejectionReason
from signatures.models.outbox import EmailSubject, OutboxHold, OutboxMail, Suppression
from signatures.models.paper import PaperImport
from signatures.models.pepper import PepperFingerprint
from signatures.models.review import PageClaim, QueueMail
from signatures.models.screening import BlocklistEntry, DailyKey, RateBucket, RateLimit, SpentProof, Switch
from signatures.models.signature import (
    FeaturedSignature,
    Grams,
    LinkAlias,
    Signature,
    SignatureQuerySet,
    SignedLetter,
    WaitingSignature,
)
from signatures.models.signer_request import SignerRequest
from signatures.models.staff import FactorReset
from signatures.models.statistics import Alarm, CountDelta, CountryStatistic, HourlyStatistic
from signatures.models.submission import Submission
from signatures.models.tombstone import FormerMarks, Tombstone
