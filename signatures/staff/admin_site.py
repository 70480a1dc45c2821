"""Admin, behind a second factor; and the fresh sign-in that its dangerous pages ask for."""

from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse

from signatures.audit import audit_log
from signatures.registries import AuditAction
from signatures.staff import accounts, second_factor, sessions, views

# The pages of these show secrets of others, and set passwords and rights one by one: here there are `staff` and roles.
UNWANTED = {"django.contrib.auth.admin", "django_otp.plugins.otp_static.admin", "django_otp.plugins.otp_totp.admin"}


class StaffSite(AdminSite):
    """Django's admin; a password alone opens nothing of it but the way to the second factor."""

    site_title = site_header = "Undersigned"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        if getattr(admin_class, "__module__", "") not in UNWANTED:
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff with a second factor; in local mode also who has none, but not who has one and did not use it."""
        user = request.user
        if not (user.is_active and user.is_staff):
            return False
        if getattr(user, "otp_device", None) is not None:
            return True
        if settings.LOCAL_MODE and not hasattr(request, "has_factor"):
            request.has_factor = second_factor.is_enrolled(user.pk or 0)  # type: ignore[attr-defined]  # asked once a request
        return settings.LOCAL_MODE and not getattr(request, "has_factor", True)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Those that a password opens, or nothing at all, and then Django's, each of which asks `has_permission`."""
        open_pages = [
            path("second-factor/", partial(views.second_factor_page, site=self), name="second_factor"),
            path("second-factor/new/", partial(views.enroll_page, site=self), name="enroll"),
            path("forgotten/", partial(views.forgotten_password_page, site=self), name="forgotten_password"),
            path("password/<uidb64>/<token>/", views.SetPasswordView.as_view(site=self), name="set_password"),
            path("logout/", self.logout, name="logout"),
        ]
        closed = [
            path(
                "second-factor/codes/",
                self.admin_view(fresh_sign_in(partial(views.recovery_codes_page, site=self))),
                name="codes",
            ),
            path("again/", self.admin_view(partial(views.sign_in_again_page, site=self)), name="sign_in_again"),
        ]
        return [*open_pages, *closed, *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return views.login_page(request, site=self)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Also for who has given the password alone."""
        if request.method == "POST" and request.user.is_authenticated:
            audit_log.record(AuditAction.LOGOUT, staff_id=request.user.pk)
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if not sessions.is_fresh(request):
            return ask_to_sign_in_again(request)
        answer = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == 302:
            accounts.password_changed(request.user.pk or 0, but=request.session.session_key)
        return answer


def fresh_sign_in[**P](view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """For a view, or a method that is one: whoever gave password and factor over ten minutes ago gives them again.

    Who only looked comes back to where they were; what was posted is not done, and is to be pressed again.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request = next(each for each in args if isinstance(each, HttpRequest))
        return view(*args, **kwargs) if sessions.is_fresh(request) else ask_to_sign_in_again(request)

    return guarded


class FreshSignIn(ModelAdmin):
    """Rows that are changed by a fresh sign-in alone; looking at the list needs none."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST" and not sessions.is_fresh(request):
            return ask_to_sign_in_again(request)
        return super().changelist_view(request, extra_context)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return (
            super().changeform_view(request, *args, **kwargs)
            if sessions.is_fresh(request)
            else ask_to_sign_in_again(request)
        )

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return (
            super().delete_view(request, *args, **kwargs)
            if sessions.is_fresh(request)
            else ask_to_sign_in_again(request)
        )


def ask_to_sign_in_again(request: HttpRequest) -> HttpResponse:
    """To the page that asks for password and factor, and from there back."""
    if request.method in {"GET", "HEAD"}:
        query = {"next": request.get_full_path()}
    else:
        # The page with the button, if it is one of ours: `signin.after` refuses any other.
        query = {"next": urlsplit(request.headers.get("Referer", "")).path, "pressed": "1"}
    return redirect(f"{reverse('admin:sign_in_again')}?{urlencode(query)}")


@cache
def staff_site() -> StaffSite:
    """The one site. Django asks for it while the modules that register with it are being imported, maybe twice."""
    return StaffSite()
