"""Somebody who reads, signs and confirms through TLS, from an address of their own on this machine."""

import http.client
import socket
import ssl
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlencode

import lxml.html

from tests.proxies import HOST, Certificate


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: str


@dataclass(frozen=True)
class Visitor:
    """A browser without cookies.

    Args:
        port: of the proxy, on 127.0.0.1.
        certificate: which the visitor trusts, and no other.
        address: which the proxy sees, of 127.0.0.0/8.
    """

    port: int
    certificate: Certificate
    address: str = "127.0.0.1"

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30, source_address=(self.address, 0))
        trust = ssl.create_default_context(cafile=self.certificate.public)
        return trust.wrap_socket(plain, server_hostname=HOST)

    def request(self, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Answer:
        """A GET, or a POST of the form."""
        connection = http.client.HTTPConnection(HOST, self.port)
        connection.sock = self.connect()
        body = urlencode(form) if form is not None else None
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        try:
            connection.request("GET" if form is None else "POST", path, body, {**kind, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def form_at(self, path: str, part: str) -> tuple[str, dict[str, str]]:
        """Where the first form with this part (XPath) on a page is sent, and what it holds when the page opens."""
        page = lxml.html.fromstring(self.request(path).body)
        form = next(form for form in page.forms if form.xpath(part))
        return form.action or path, {name: value for name, value in form.form_values() if value is not None}

    def sign(self, name: str, email: str, headers: dict[str, str] | None = None) -> Answer:
        """Opens the letter, and sends its form."""
        action, form = self.form_at("/", ".//input[@name='email']")
        typed = {"kind": "person", "name": name, "email": email, "visibility": "public", "consent": "on"}
        return self.request(action, {**form, **typed, "seconds": "40"}, headers)

    def confirm(self, link: str) -> Answer:
        """Opens the link of the email, and presses the button. Returns the page that follows."""
        action, form = self.form_at(link, ".//button[@value='confirm']")
        answer = self.request(action, {**form, "consent": "on", "action": "confirm"})
        return self.request(answer.headers["Location"]) if answer.status == 303 else answer
