"""The email services whose webhook the site can have, by Anymail, and the setting that names one with its secret."""

from django.core.exceptions import ImproperlyConfigured

from campaign.runtime import environment

MIN_SECRET = 32  # characters
USER = "undersigned"  # in the address that the service calls, where it has no signature of its own
# By the name of a service: its view, and the setting of Anymail that its secret is.
_PROVIDERS = {
    "brevo": ("brevo.BrevoTrackingWebhookView", "WEBHOOK_SECRET"),
    "mailersend": ("mailersend.MailerSendTrackingWebhookView", "MAILERSEND_SIGNING_SECRET"),
    "mailgun": ("mailgun.MailgunTrackingWebhookView", "MAILGUN_WEBHOOK_SIGNING_KEY"),
    "mailjet": ("mailjet.MailjetTrackingWebhookView", "WEBHOOK_SECRET"),
    "postmark": ("postmark.PostmarkTrackingWebhookView", "WEBHOOK_SECRET"),
}


def from_setting(name: str) -> tuple[str, dict[str, str]]:
    """Returns the view that the service calls and the settings of Anymail for it; both empty if there is no webhook.

    Args:
        name: of a setting such as `postmark:SECRET`.

    Raises:
        ImproperlyConfigured: it names no service that is known, or the secret is too short.
    """
    value = environment.text(name)
    if not value:
        return "", {}
    provider, _colon, secret = value.partition(":")
    if provider not in _PROVIDERS or len(secret) < MIN_SECRET:
        services = ", ".join(_PROVIDERS)
        raise ImproperlyConfigured(
            f"{name} must look like postmark:SECRET, with one of {services} and at least {MIN_SECRET} characters."
        )
    view, anymail_setting = _PROVIDERS[provider]
    is_password = anymail_setting == "WEBHOOK_SECRET"
    return f"anymail.webhooks.{view}", {anymail_setting: f"{USER}:{secret}" if is_password else secret}
