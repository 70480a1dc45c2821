"""The admin site. It requires a second factor."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path

from signatures.audit import audit_log
from signatures.audit.admin_mixins import staff_id
from signatures.audit.view_log import LoggedLists
from signatures.registries import AuditAction
from signatures.staff import accounts, menus, second_factor, second_factor_views, sessions, views
from signatures.staff.fresh_sign_in import ask_to_sign_in_again, fresh_sign_in
from signatures.staff.middleware import keeps_no_form

# Admin pages that would show secrets of others, or set passwords and permissions account by account. `staff.admin` and
# the roles replace them.
EXCLUDED = {
    "django.contrib.auth.admin",
    "django_otp.plugins.otp_static.admin",
    "django_otp.plugins.otp_totp.admin",
    "django_otp_webauthn.admin",
}


class StaffSite(AdminSite):
    """Django's admin site. A password alone opens only the page that asks for the second factor."""

    site_title = site_header = "Undersigned"
    index_title = "Start page"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Adds to every page, also to those of other packages, that its lists are logged (threat model A9, A16)."""
        pages = admin_class or ModelAdmin
        if pages.__module__ not in EXCLUDED:
            logged = type(pages.__name__, (LoggedLists, pages), {"__module__": pages.__module__})
            super().register(model_or_iterable, logged, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff who used their second factor. In local mode also staff who have none."""
        user = request.user
        if not (user.is_active and user.is_staff):
            return False
        if getattr(user, "otp_device", None) is not None:
            return True
        if settings.LOCAL_MODE and not hasattr(request, "is_enrolled"):
            # Kept on the request, because Django asks several times.
            request.is_enrolled = second_factor.is_enrolled(user.pk or 0)  # type: ignore[attr-defined]  # for the templates
        return settings.LOCAL_MODE and not getattr(request, "is_enrolled", True)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The pages that open without `has_permission`, and then Django's, which all check it."""

        def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
            return keeps_no_form(partial(view, site=self))

        open_pages = [
            path("second-factor/", page(second_factor_views.second_factor_page), name="second_factor"),
            path("second-factor/new/", page(second_factor_views.enroll_page), name="enroll"),
            path("forgotten/", page(views.forgotten_password_page), name="forgotten_password"),
            path(
                "password/<uidb64>/<token>/",
                keeps_no_form(views.SetPasswordView.as_view(site=self)),
                name="set_password",
            ),
            path("logout/", self.logout, name="logout"),
        ]
        recovery_codes = keeps_no_form(fresh_sign_in(page(second_factor_views.recovery_codes_page)))
        remove_factor = keeps_no_form(fresh_sign_in(page(second_factor_views.remove_factor_page)))
        protected_pages = [
            path("second-factor/codes/", self.admin_view(recovery_codes), name="recovery_codes"),
            path("second-factor/remove/<str:kind>/<int:number>/", self.admin_view(remove_factor), name="remove_factor"),
            path("again/", self.admin_view(page(views.sign_in_again_page)), name="sign_in_again"),
            path("kept-form/", self.admin_view(page(views.discard_kept_form)), name="discard_kept_form"),
        ]
        return [*open_pages, *protected_pages, *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """The menus by job. They have what the acting user may open, as Django's own list."""
        return menus.grouped(super().get_app_list(request, app_label))

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """No page of its own: the start page has the menus."""
        return redirect("admin:index")

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Closed: no form of ours uses it, and it would answer searches that nothing records (threat model A9)."""
        raise Http404

    @keeps_no_form
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return views.login_page(request, site=self)

    @keeps_no_form
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Also works for somebody who gave the password, and not yet the second factor."""
        if request.method == "POST" and request.user.is_authenticated:
            audit_log.record(AuditAction.LOGOUT, staff_id=staff_id(request))
        return super().logout(request, extra_context)

    @keeps_no_form
    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if not sessions.is_fresh(request):
            return ask_to_sign_in_again(request)
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == 302:
            accounts.password_changed(staff_id(request), keep_session=request.session.session_key)
        return response


@cache
def staff_site() -> StaffSite:
    """Returns the only admin site. Cached, because Django may call this twice while admin modules are imported."""
    return StaffSite()
