"""Accounts of staff, and their links, for the tests of them."""

import re
from typing import Any

from django.test import Client

from signatures.outbox import sending
from tests.inbox import Inbox

LOGIN, FORGOTTEN = "/admin/login/", "/admin/forgotten/"
NEW = "quite another one"


def password_link_in(inbox: Inbox) -> str:
    """Returns the password link in the newest email."""
    sending.send_due()
    body = inbox[-1].get_body(("plain",))
    assert body is not None
    found = re.search(r"http://localhost:\d+(/admin/password/\S+)", body.get_content())
    assert found is not None
    return found[1]


def set_password(client: Client, link: str, password: str = NEW) -> Any:
    form = client.get(link, follow=True)
    address = form.redirect_chain[-1][0] if form.redirect_chain else link
    return client.post(address, {"new_password1": password, "new_password2": password}, follow=True)
