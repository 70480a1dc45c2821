"""Settings of a web server that tells what it understood of a request, behind one proxy. It needs no database."""

from tests.settings import *  # noqa: F403  the point of this file

TRUSTED_PROXIES = 1
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
MIDDLEWARE = ["tests.web.probe.ProbeMiddleware"]
