"""The forms of the sign-in pages."""

from django import forms

from signatures.staff.second_factor import MAX_TYPED


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=MAX_TYPED,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class SignInAgainForm(forms.Form):
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(
        label="Code", max_length=MAX_TYPED, widget=forms.TextInput(attrs={"autocomplete": "one-time-code"})
    )


class ForgottenPasswordForm(forms.Form):
    name = forms.CharField(
        label="User name or email address",
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
