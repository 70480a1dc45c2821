"""The accounts of staff: invited by mail, put into a role, closed. For owners."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django_otp.plugins.otp_totp.models import TOTPDevice

from signatures.audit import audit_log
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.registries import AuditAction
from signatures.staff import accounts
from signatures.staff.admin_site import FreshSignIn


class InviteForm(forms.ModelForm):
    role = forms.ModelChoiceField(Group.objects.all(), label="Role")

    class Meta:
        model = User
        fields = ("username", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = True

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=address).exists():
            raise forms.ValidationError("Somebody with this address has an account already.")
        return address


@admin.register(User)
class StaffAdmin(FreshSignIn):
    list_display = ("username", "email", "roles", "is_active", "has_password", "has_factor", "last_login")
    list_filter = ("groups", "is_active")
    search_fields = ("username", "email")
    ordering = ("username",)
    fields = ("username", "email", "is_active", "groups", "has_password", "has_factor", "last_login", "date_joined")
    readonly_fields = ("username", "has_password", "has_factor", "last_login", "date_joined")
    actions = ("invite_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        factor = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        found: QuerySet[User] = super().get_queryset(request).annotate(factor=Exists(factor))
        return found.prefetch_related("groups")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An owner takes over no account that may do more (SECURITY.md A5)."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or not obj.is_superuser or bool(getattr(request.user, "is_superuser", False)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Closed, not deleted: the trail knows them by their number."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("username", "email", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **({} if obj else {"form": InviteForm}), **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        by = request.user.pk or 0
        if change:
            accounts.change(obj, by=by, what=", ".join(form.changed_data))
        else:
            accounts.invite(obj, form.cleaned_data["role"], by=by)
            self.message_user(request, "An invitation is on its way to them.", messages.SUCCESS)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "groups" in form.changed_data:
            roles = ", ".join(group.name for group in form.cleaned_data["groups"])
            audit_log.record(
                AuditAction.SET_ROLES, staff_id=request.user.pk, detail={"account": form.instance.pk, "roles": roles}
            )

    @admin.display(description="roles")
    def roles(self, person: User) -> str:
        return ", ".join(group.name for group in person.groups.all()) or ("-" if not person.is_superuser else "*")

    @admin.display(description="password set", boolean=True)
    def has_password(self, person: User) -> bool:
        return person.has_usable_password()

    @admin.display(description="second factor", boolean=True)
    def has_factor(self, person: Any) -> bool:
        return bool(person.factor)

    @admin.action(
        description="Send the invitation again",
        permissions=["change"],
        location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
    )
    def invite_again(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        sent = [accounts.resend_invitation(person, by=request.user.pk or 0) for person in chosen if person.is_active]
        if any(sent):
            self.message_user(request, "The invitation is on its way.", messages.SUCCESS)
        else:
            self.message_user(
                request,
                "Nothing was sent: a password is set, or it went out several times in this hour.",
                messages.WARNING,
            )


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    """What each role may do is code (`signatures.staff.roles`): here it is read."""

    ordering: ClassVar = ["name"]
    fields = ("name", "may")
    readonly_fields = ("may",)

    @admin.display(description="may")
    def may(self, role: Group) -> SafeString:
        rights = role.permissions.select_related("content_type")
        return format_html_join(SafeString("<br>"), "{}", ((right.name,) for right in rights))
