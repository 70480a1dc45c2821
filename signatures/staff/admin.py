"""The admin pages of staff accounts and roles, for owners: invite by email, choose roles, deactivate."""

from datetime import UTC
from typing import Any, ClassVar, override

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from campaign.letters.forms import ConflictCheckedForm, row_digest
from signatures.audit import audit_log
from signatures.audit.admin_mixins import ReadOnlyAdmin, staff_id
from signatures.models import AuditEntry
from signatures.registries import STRANGERS_ACTIONS, AuditAction
from signatures.staff import accounts, factor_resets, second_factor
from signatures.staff.fresh_sign_in import FreshSignIn, fresh_sign_in
from signatures.transitions import TransitionNotAllowed

RESET_TEXTS = {
    "title": "Reset the second factor",
    "consequence": (
        "Passkeys, app and recovery codes of this account end at once, and so do its sessions. At the next login it "
        "sets up new ones, after its password. It is told by email. Where there is another owner, the first one asks "
        "and a second one confirms, within a day. Be sure who asked you, by voice for example: this cannot be undone."
    ),
    "leave_to": "admin:auth_user_changelist",
}


class NamesForm(ConflictCheckedForm):
    """Whoever signs in gives one of two names, so no two accounts may share one."""

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        others = User.objects.exclude(pk=self.instance.pk)
        if address and others.filter(Q(email__iexact=address) | Q(username__iexact=address)).exists():
            raise forms.ValidationError("There is an account with this email address already.")
        return address


class AccountForm(NamesForm):
    instance: User

    def digest(self, row: Model) -> str:
        """A login or a new password meanwhile is no conflict: nothing else of an account is saved."""
        return row_digest(row, *accounts.SET_BY_OWNERS, "groups")

    def clean(self) -> dict[str, Any]:
        """Close no account, and take no role, that leaves the site without an owner."""
        typed = super().clean() or self.cleaned_data
        is_owner = self.instance.is_superuser or any(role.name == "owner" for role in typed.get("groups", ()))
        if not (typed.get("is_active") and is_owner):
            try:
                accounts.require_another_owner(self.instance.pk)
            except accounts.LastOwner:
                raise forms.ValidationError(
                    "This is the only owner. Make somebody else an owner first, who accepts the invitation."
                ) from None
        return typed


class InviteForm(NamesForm):
    role = forms.ModelChoiceField(Group.objects.all(), label="Role")

    class Meta:
        model = User
        fields = ("username", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(email__iexact=name).exists():
            raise forms.ValidationError("This is the email address of another account.")
        return name


@admin.register(User)
class StaffAdmin(FreshSignIn):
    list_display = ("username", "email", "roles", "last_active", "is_active", "signs_in_with")
    list_filter = ("groups", "is_active")
    search_fields = ("username", "email")
    ordering = ("username",)
    fields = (
        "username",
        "email",
        "is_active",
        "groups",
        "signs_in_with",
        "last_login",
        "last_active",
        "date_joined",
        "loaded_digest",
    )
    readonly_fields = ("username", "signs_in_with", "last_login", "last_active", "date_joined")
    actions = ("resend_invitation", "reset_second_factor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        is_enrolled = ExpressionWrapper(second_factor.enrolled(OuterRef("pk")), BooleanField())
        entries = AuditEntry.objects.filter(staff_id=OuterRef("pk")).exclude(action__in=STRANGERS_ACTIONS)
        active_at = Subquery(entries.order_by("-at", "-id").values("at")[:1])
        found: QuerySet[User] = super().get_queryset(request).annotate(is_enrolled=is_enrolled, active_at=active_at)
        return found.prefetch_related("groups")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Owners cannot change superusers, and so cannot take over an account that may do more (threat model A5)."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or not obj.is_superuser or bool(getattr(request.user, "is_superuser", False)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Accounts are deactivated, never deleted, because the audit log refers to them by id."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("username", "email", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    @override
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, form=AccountForm if obj else InviteForm, **kwargs)

    @override
    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:
            accounts.change(obj, by=staff_id(request), fields=", ".join(form.changed_data))
        else:
            accounts.invite(obj, form.cleaned_data["role"], by=staff_id(request))
            self.message_user(request, "The invitation is on its way.", messages.SUCCESS)

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "groups" in form.changed_data:
            roles = ", ".join(group.name for group in form.cleaned_data["groups"])
            detail = {"account": form.instance.pk, "roles": roles}
            audit_log.record(AuditAction.SET_ROLES, staff_id=staff_id(request), detail=detail)

    @admin.display(description="roles")
    def roles(self, person: User) -> str:
        return ", ".join(group.name for group in person.groups.all()) or ("-" if not person.is_superuser else "*")

    @admin.display(description="signs in with")
    def signs_in_with(self, person: Any) -> str:
        ways = {"password": person.has_usable_password(), "second factor": person.is_enrolled}
        return ", ".join(way for way, is_set in ways.items() if is_set) or "-"

    @admin.display(description="last active", ordering="active_at")
    def last_active(self, person: Any) -> str:
        """The newest entry of the audit log that the account itself made, to the hour: owners do not clock anybody."""
        return f"{person.active_at.astimezone(UTC):%Y-%m-%d, %H}:00 UTC" if person.active_at else "never"

    @override
    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(fresh_sign_in(self.reset_page))
        return [path("<int:object_id>/reset-second-factor/", page, name="auth_user_reset_factor"), *super().get_urls()]

    @admin.action(description="Reset the second factor…", permissions=["change"], location=[ActionLocation.CHANGE_FORM])
    def reset_second_factor(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse:
        """Lead to the page that asks."""
        return redirect("admin:auth_user_reset_factor", chosen.values_list("pk", flat=True)[0])

    def reset_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """GET says what will happen; POST asks for it, or does it where no second owner has to confirm."""
        person = get_object_or_404(User, pk=object_id, is_staff=True)
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        if request.method != "POST":
            context = {**self.admin_site.each_context(request), **RESET_TEXTS, "about": person.get_username()}
            return TemplateResponse(request, "admin/ask_first.html", context)
        try:
            is_done = factor_resets.reset(person, by=staff_id(request))
        except TransitionNotAllowed as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            told = "An email says so." if person.email else "There is no email address: please tell them."
            asked = "Asked. Another owner confirms it within a day, on this same page."
            self.message_user(request, f"The second factor is reset. {told}" if is_done else asked, messages.SUCCESS)
        return redirect("admin:auth_user_changelist")

    @admin.action(
        description="Send the invitation again",
        permissions=["change"],
        location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
    )
    def resend_invitation(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        by = staff_id(request)
        sent = [accounts.resend_invitation(person, by=by) for person in queryset if person.is_active]
        if any(sent):
            self.message_user(request, "The invitation is on its way.", messages.SUCCESS)
        else:
            text = "Nothing was sent: a password is set, or several invitations were sent within the last hour."
            self.message_user(request, text, messages.WARNING)


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    """Shows the permissions of each role. They are defined in `signatures.staff.roles`."""

    ordering: ClassVar = ["name"]
    fields = ("name", "permission_list")
    readonly_fields = ("permission_list",)

    @admin.display(description="permissions")
    def permission_list(self, role: Group) -> SafeString:
        permissions = role.permissions.select_related("content_type")
        return format_html_join(SafeString("<br>"), "{}", ((permission.name,) for permission in permissions))
