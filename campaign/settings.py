"""Settings, read from the environment and from a `.env` file.

docs/reference/settings.md explains each. A wrong value stops the start with one sentence.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy

from campaign.runtime import certificates, email_webhooks, environment, keys, log_settings, object_storage
from campaign.runtime.email_settings import mailer, required_address
from campaign.runtime.environment import LOCAL_HOSTS

BASE_DIR = Path(__file__).resolve().parent.parent
NAMES_FROM_FILE = environment.read_file(BASE_DIR / ".env")
if settings_of_worker := environment.text("WORKER_SETTINGS_FILE"):
    NAMES_FROM_FILE |= environment.read_file(Path(settings_of_worker), is_needed=True)

# Site and mode

VAR_DIR = Path(environment.text("VAR_DIR") or BASE_DIR / "var").absolute()
if len(str(VAR_DIR)) > 80:
    raise ImproperlyConfigured(
        f"VAR_DIR must be at most 80 characters long, because of the database's socket; it has {len(str(VAR_DIR))}."
    )

DEBUG = environment.boolean("DEBUG")
LOCAL_MODE = environment.is_local("LOCAL", VAR_DIR)
if not LOCAL_MODE and not environment.text("SITE_URL"):
    raise ImproperlyConfigured("SITE_URL is missing. A site on this machine alone has LOCAL=True.")
SITE_URL = environment.text("SITE_URL").rstrip("/") or "http://localhost:8000"
SITE = environment.site(SITE_URL, is_local=LOCAL_MODE)
if not LOCAL_MODE and DEBUG:
    raise ImproperlyConfigured("DEBUG must be False, except with LOCAL=True.")

METRICS_TOKEN = environment.token("METRICS_TOKEN")
METRICS_DIR = environment.folder_in_memory(VAR_DIR)
if METRICS_TOKEN:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)  # read when the library is imported

ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS") or [str(SITE.hostname), *(LOCAL_HOSTS - {"::1", SITE.hostname})]
TRUSTED_PROXIES = environment.whole_number("TRUSTED_PROXIES", 0)
EMAIL_URL = environment.text("EMAIL_URL")
URLS = {name: environment.url(name) for name in sorted(environment.NAMES) if name.endswith("_URL")}

if LOCAL_MODE:
    contradiction = "This is local mode (LOCAL=True), but {}: remove LOCAL and give all settings of a public site."
    if foreign_urls := [name for name, url in URLS.items() if environment.foreign(url)]:
        raise ImproperlyConfigured(contradiction.format(f"{', '.join(foreign_urls)} points to another machine"))
    if foreign_hosts := set(ALLOWED_HOSTS) - LOCAL_HOSTS - {"[::1]"}:
        raise ImproperlyConfigured(contradiction.format(f"ALLOWED_HOSTS holds {', '.join(sorted(foreign_hosts))}"))
    if TRUSTED_PROXIES:
        raise ImproperlyConfigured(contradiction.format("TRUSTED_PROXIES says there is a proxy"))


OPERATOR_EMAIL = environment.text("OPERATOR_EMAIL")
ALARM_WEBHOOK_URL = environment.service("ALARM_WEBHOOK_URL", "slack", "ntfy")

# Secrets and keys: created in local mode, required on a public site

KEYS_DIR = VAR_DIR / "keys"
LOCAL_KEYS = KEYS_DIR if LOCAL_MODE else None
SECRET_KEY = environment.secret("SECRET_KEY", "it signs sessions and personal links", LOCAL_KEYS)
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS")
EMAIL_HASH_PEPPER = environment.secret(
    "EMAIL_HASH_PEPPER",
    "it keys the hashes of email addresses; without it no signature can be found by its address",
    LOCAL_KEYS,
)
# Each may hold former keys behind the first, which is the one that seals.
OUTBOX_PUBLIC_KEYS = environment.sealing_keys("OUTBOX_PUBLIC_KEY", "recipients of emails are sealed to it", LOCAL_KEYS)
UPDATES_PUBLIC_KEYS = environment.sealing_keys("UPDATES_PUBLIC_KEY", "addresses are sealed to it", LOCAL_KEYS)
OUTBOX_PUBLIC_KEY, UPDATES_PUBLIC_KEY = OUTBOX_PUBLIC_KEYS[0], UPDATES_PUBLIC_KEYS[0]

_shown = "it is shown on every page and in the privacy notice"
_in_local_mode = ("Local test site", "privacy@localhost", "letter@localhost") if LOCAL_MODE else ("", "", "")
ORGANIZATION_NAME = environment.required("ORGANIZATION_NAME", _shown, default=_in_local_mode[0])
CONTACT_EMAIL = required_address("CONTACT_EMAIL", _shown, default=_in_local_mode[1])
DEFAULT_FROM_EMAIL = required_address("DEFAULT_FROM_EMAIL", "it sends emails", default=_in_local_mode[2], sends=True)


# Applications, middleware, templates

ROOT_URLCONF = "campaign.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ADMIN_PATH = environment.text("ADMIN_PATH").strip("/") + "/"
if ADMIN_PATH == "/":
    ADMIN_PATH = "admin/"

INSTALLED_APPS = [
    "signatures.apps.StaffAdminConfig",  # the admin site, with a second factor
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_countries",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "django_otp_webauthn",
    "django_tasks_db",
    # After auth: the groups of staff are made of its permissions.
    "campaign.apps.CampaignConfig",
    "django.contrib.staticfiles",  # after campaign, whose `collectstatic` takes the place of Django's
    "signatures.apps.SignaturesConfig",
]

MIDDLEWARE = [
    "campaign.web.request_metrics.RequestMetricsMiddleware",
    "campaign.web.query_parameters.QueryParametersMiddleware",
    "campaign.web.middleware.PageCacheMiddleware",
    "campaign.web.middleware.SiteHeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "campaign.web.health.HealthCheckMiddleware",
    "signatures.monitoring.metrics.MetricsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "campaign.web.middleware.LanguageFromUrlMiddleware",
    "campaign.web.middleware.OverloadMiddleware",
    "campaign.web.former_addresses.FormerAddressMiddleware",
    "django.middleware.common.CommonMiddleware",
    "campaign.web.middleware.SameOriginMiddleware",
    "signatures.staff.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "signatures.staff.middleware.AuthenticationMiddleware",
    "signatures.staff.middleware.OTPMiddleware",
    "signatures.staff.sessions.StaffSessionMiddleware",
    "signatures.staff.middleware.MessageMiddleware",
    "signatures.staff.middleware.KeptFormMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "campaign.web.context_processors.site",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.insert(INSTALLED_APPS.index("crispy_forms"), "django.forms")
CRISPY_ALLOWED_TEMPLATE_PACKS = ("bootstrap5",)
CRISPY_TEMPLATE_PACK = "bootstrap5"
CRISPY_FAIL_SILENTLY = False


# Database, cache, tasks, limits

POSTGRES_DIR = VAR_DIR / "postgres"
# `serve` sets the direct address to empty for the web server, which alone goes through a pooler. How long a connection
# waits for the server is up to the process: `campaign.runtime.database_budgets`.
WEB_DATABASE_URL = environment.text("DATABASE_URL")
DATABASE_URL = environment.text("DIRECT_DATABASE_URL") or WEB_DATABASE_URL
DATABASES = {"default": environment.database(DATABASE_URL, POSTGRES_DIR)}
if REPLICA_URL := environment.text("REPLICA_URL"):
    DATABASES["replica"] = environment.database(REPLICA_URL, POSTGRES_DIR, "REPLICA_URL")
DATABASE_STATEMENT_SECONDS = environment.whole_number("DATABASE_STATEMENT_SECONDS", 5)
DATABASE_LOCK_SECONDS = environment.whole_number("DATABASE_LOCK_SECONDS", 1)

CACHE_URL = environment.text("CACHE_URL")
CACHES = environment.caches(CACHE_URL)
_tasks_backend = environment.text("TASKS_BACKEND") or "django_tasks_db.DatabaseBackend"
TASKS = {"default": {"BACKEND": _tasks_backend, "QUEUES": []}}  # any queue: `signatures.tasks` names them
RETENTION_MONTHS = environment.whole_number("RETENTION_MONTHS", 12)
COUNT_STEP_MINUTES = environment.whole_number("COUNT_STEP_MINUTES", 5)
if COUNT_STEP_MINUTES > 60 or not (COUNT_STEP_MINUTES or LOCAL_MODE):
    raise ImproperlyConfigured("COUNT_STEP_MINUTES must be from 1 to 60; on this machine alone also 0.")
FONT_DIRS = [Path(folder) for folder in environment.words("FONT_DIRS")]

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 10


# Email

MAILERS = {"default": mailer(EMAIL_URL, VAR_DIR / "mail")}
OUTBOX_CONNECTIONS = environment.whole_number("OUTBOX_CONNECTIONS", 40)
if not 1 <= OUTBOX_CONNECTIONS <= 100:
    raise ImproperlyConfigured("OUTBOX_CONNECTIONS must be from 1 to 100.")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_WEBHOOK_VIEW, ANYMAIL = email_webhooks.from_setting("EMAIL_WEBHOOK_SECRET")


# Languages and formats

# The only list of languages. A further one needs a catalog (campaign/locale/) and PDF words (templates/pdf/wording/).
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("ar", "Arabic"),
    ("es", "Spanish"),
    ("fr", "French"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("zh-hans", "Simplified Chinese"),
    ("zh-hant", "Traditional Chinese"),
]
COUNTRIES_OVERRIDE = {"XK": {"name": gettext_lazy("Kosovo"), "alpha3": "XKX", "ioc_code": "KOS"}}  # not in ISO 3166-1
LOCALE_PATHS = [BASE_DIR / "campaign" / "locale"]
FORMAT_MODULE_PATH = "campaign.formats"
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True


# Files

STATIC_URL = "/static/"
STATIC_DIR = environment.text("STATIC_DIR")
STATIC_ROOT = Path(STATIC_DIR or VAR_DIR / "static").absolute()
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "campaign.web.static_files.SmallFilesStorage"},
}
DELIVERIES_DIR = Path(environment.text("DELIVERIES_DIR") or VAR_DIR / "deliveries").absolute()
if deliveries_url := environment.text("DELIVERIES_STORAGE_URL"):
    STORAGES["deliveries"] = object_storage.from_url("DELIVERIES_STORAGE_URL", deliveries_url)


# Security

AUTHENTICATION_BACKENDS = ["signatures.staff.roles.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["signatures.staff.password_hashing.BoundedArgon2Hasher"]
PASSWORD_RESET_TIMEOUT = 3 * 24 * 60 * 60  # seconds for which invitations and password resets are valid
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0  # `staff.login_attempts` limits guesses, and locks nobody out
OTP_TOTP_ISSUER = "Desk"  # shown by the authenticator app; neutral, like our emails, in case the phone is seized

# Passkeys work at one address. Browsers allow plain HTTP for the name localhost alone, not for 127.0.0.1.
OTP_WEBAUTHN_RP_NAME = OTP_TOTP_ISSUER
OTP_WEBAUTHN_RP_ID = "localhost" if LOCAL_MODE else SITE.hostname
OTP_WEBAUTHN_ALLOWED_ORIGINS = [
    f"{SITE.scheme}://localhost{f':{SITE.port}' if SITE.port else ''}" if LOCAL_MODE else SITE_URL
]
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False

# Public pages load only our own files. Admin pages use the nonce; Django adds it only to pages that use it.
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_FAILURE_VIEW = "campaign.web.errors.forbidden"

if not LOCAL_MODE:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_SSL_REDIRECT = True
    SECURE_SSL_HOST = SITE.netloc
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics|arrival)$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = environment.boolean("HSTS_INCLUDE_SUBDOMAINS")
    SECURE_HSTS_PRELOAD = environment.boolean("HSTS_PRELOAD", needs="HSTS_INCLUDE_SUBDOMAINS")
    # Both bind the rest of the operator's domain, for years: nothing is wrong with a site that leaves them out.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = log_settings.LOGGING
DEFAULT_EXCEPTION_REPORTER = "campaign.runtime.logs.RedactedExceptionReporter"

# Only the worker opens sealed recipients and signs deliveries. `serve` sets both to empty for the web server, always.
OUTBOX_PRIVATE_KEY_FILE = os.environ.get("OUTBOX_PRIVATE_KEY_FILE", keys.local_private_file(LOCAL_KEYS, "outbox"))
DELIVERY_SIGNING_KEY_FILE = os.environ.get("DELIVERY_SIGNING_KEY_FILE", keys.local_signing_key(LOCAL_KEYS))
TIMESTAMP_URL = environment.service("TIMESTAMP_URL")
TIMESTAMP_CERTIFICATES = certificates.from_setting("TIMESTAMP_CERTIFICATE_FILE")
