"""The admin pages of staff accounts and roles, for owners: invite by email, choose roles, deactivate."""

from typing import Any, ClassVar, override

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.contrib.auth.models import Group, User
from django.db.models import BooleanField, ExpressionWrapper, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from signatures.audit import audit_log
from signatures.audit.admin_mixins import ReadOnlyAdmin, staff_id
from signatures.registries import AuditAction
from signatures.staff import accounts, second_factor
from signatures.staff.fresh_sign_in import FreshSignIn


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
            raise forms.ValidationError("There is an account with this email address already.")
        return address


@admin.register(User)
class StaffAdmin(FreshSignIn):
    list_display = ("username", "email", "roles", "is_active", "has_password", "has_second_factor", "last_login")
    list_filter = ("groups", "is_active")
    search_fields = ("username", "email")
    ordering = ("username",)
    fields = (
        "username",
        "email",
        "is_active",
        "groups",
        "has_password",
        "has_second_factor",
        "last_login",
        "date_joined",
    )
    readonly_fields = ("username", "has_password", "has_second_factor", "last_login", "date_joined")
    actions = ("resend_invitation",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        is_enrolled = ExpressionWrapper(second_factor.enrolled(OuterRef("pk")), BooleanField())
        accounts: QuerySet[User] = super().get_queryset(request).annotate(is_enrolled=is_enrolled)
        return accounts.prefetch_related("groups")

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
        return super().get_form(request, obj, change=change, **({} if obj else {"form": InviteForm}), **kwargs)

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

    @admin.display(description="password set", boolean=True)
    def has_password(self, person: User) -> bool:
        return person.has_usable_password()

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, person: Any) -> bool:
        return bool(person.is_enrolled)

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
