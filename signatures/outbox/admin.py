"""The admin page of email subjects."""

from django.contrib import admin

from signatures.audit.admin_mixins import AuditedAdmin
from signatures.models import EmailSubject


@admin.register(EmailSubject)
class EmailSubjectAdmin(AuditedAdmin):
    list_display = ("mail", "language", "subject")
    list_display_links = ("mail",)
