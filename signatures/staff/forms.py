"""The forms of the sign-in pages."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm

from signatures.staff.passkeys import MAX_RESPONSE
from signatures.staff.second_factor import MAX_TYPED

MAX_LOGIN_NAME = 254  # characters of an email address


class LoginForm(AdminAuthenticationForm):
    error_messages = {  # noqa: RUF012  as Django declares it
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "The user name or email address, or the password, is wrong. Passwords are case-sensitive.",
    }

    def __init__(self, request: Any = None, data: Any = None) -> None:
        super().__init__(request, data)
        field = self.fields["username"]
        field.label = "User name or email address"
        field.max_length = field.widget.attrs["maxlength"] = MAX_LOGIN_NAME  # type: ignore[attr-defined]  # a CharField


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=MAX_TYPED,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class TwoCodesForm(CodeForm):
    """Asks for a code of the app and the next one. A recovery code is typed alone, into the first field."""

    next_code = forms.CharField(
        label="The next code that it shows",
        max_length=MAX_TYPED,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["code"].label = "The code that your app shows now"
        self._focus("next_code")

    def ask_for_next(self) -> None:
        """Keep the first code, which nobody has looked at, and ask for the next one."""
        self.add_error("next_code", "Please wait until your app shows the next code, and type it here.")

    def begin_again(self) -> None:
        """Empty both fields, which are no use any more. The error does not tell which of the codes was wrong."""
        self.add_error(
            None,
            "These are not two codes that follow one another, or one of them was used before. "
            "Please begin again with the code that your app shows now.",
        )
        self.data = {}
        self._focus("code")

    def _focus(self, name: str) -> None:
        for field in ("code", "next_code"):
            self.fields[field].widget.attrs["autofocus"] = field == name


class PasskeyForm(forms.Form):
    """Takes the answer of the browser. A script fills it in: see static/js/passkey.js."""

    challenge = forms.CharField(max_length=2000, widget=forms.HiddenInput)
    passkey = forms.CharField(max_length=MAX_RESPONSE, widget=forms.HiddenInput)


class NewPasskeyForm(PasskeyForm):
    name = forms.CharField(
        label="Name of the passkey",
        max_length=64,
        help_text="So that you know it again, for example “Laptop” or “Blue key”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class SignInAgainForm(forms.Form):
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(
        label="Code",
        max_length=MAX_TYPED,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )
    challenge = forms.CharField(max_length=2000, required=False, widget=forms.HiddenInput)
    passkey = forms.CharField(max_length=MAX_RESPONSE, required=False, widget=forms.HiddenInput)


class ForgottenPasswordForm(forms.Form):
    name = forms.CharField(
        label="User name or email address",
        max_length=MAX_LOGIN_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
