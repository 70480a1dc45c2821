"""Admin pages of rejection reasons and questions to signers."""

from django.contrib import admin

from signatures.audit.admin_mixins import AuditedAdmin
from signatures.models import Question, RejectionReason


@admin.register(Question)
class QuestionAdmin(AuditedAdmin):
    list_display = ("code", "language", "text")


@admin.register(RejectionReason)
class RejectionReasonAdmin(AuditedAdmin):
    list_display = ("text", "code", "place")
