"""Right-to-left layout, with the pseudo-locale."""

import os
from urllib.parse import urlsplit

from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Browser, Route

from campaign.models import Letter
from signatures.models import Signature, Submission
from signatures.values import tokens
from tests import pseudo
from tests.delivery.factories import make_delivery

HOST = "http://localhost"


def test_right_to_left_pages_do_not_overflow(
    browser: Browser, client: Client, pseudo_locale_letter: Letter, ada: Signature, ben: Submission
) -> None:
    """The running site lacks this language, so this process renders the pages for the browser."""
    make_delivery(pseudo_locale_letter)
    letter = f"/{pseudo.CODE}/letters/{pseudo_locale_letter.slug}/"
    paths = {
        f"/{pseudo.CODE}/": 200, f"{letter}signatories/": 200, f"{letter}signatories/{ada.public_id}/": 200,
        f"{letter}history/": 200, f"{letter}my-link/": 200, f"/{pseudo.CODE}/privacy/": 200,
        f"/{pseudo.CODE}/deliveries/{pseudo_locale_letter.slug}/1/": 200, f"/{pseudo.CODE}/nothing/": 404,
        f"/{pseudo.CODE}/signature/{tokens.personal_token(ben.public_id)}/": 200,
        f"/{pseudo.CODE}/signature/{tokens.personal_token(ada.public_id)}/": 200,
    }  # fmt: skip
    answers = {path: client.get(path) for path in paths}
    answers[f"{letter}sign/"] = client.post(f"{letter}sign/", {"name": "<", "visibility": "public"})
    assert {path: answer.status_code for path, answer in answers.items()} == {**paths, f"{letter}sign/": 422}

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            route.fulfill(path=finders.find(path.removeprefix("/static/")))
        else:
            route.fulfill(status=200, headers=dict(answers[path].items()), body=answers[path].content)

    context = browser.new_context(base_url=HOST)
    context.route("**/*", answer)
    page = context.new_page()
    for path in answers:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path)
        heading = page.get_by_role("heading", level=1)
        assert heading.evaluate("element => getComputedStyle(element).direction") == "rtl", path
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 900})
            # Right-to-left pages overflow to the left, where no scroll bar shows it.
            overflowing = page.evaluate(OVERFLOWING)
            assert not overflowing, f"{path} at {width}: {overflowing}"
            if folder := os.environ.get("SHOTS"):
                page.screenshot(path=f"{folder}/{path.strip('/').replace('/', '-')[:40]}-{width}.png", full_page=True)
    context.close()


OVERFLOWING = """() => {
  const root = document.documentElement, found = [];
  if (root.scrollWidth > root.clientWidth) found.push("scrolls to " + root.scrollWidth);
  for (const element of document.querySelectorAll("body *")) {
    const box = element.getBoundingClientRect();
    const offscreen = element.closest(".offscreen, .skip-link, [hidden]");
    if (!offscreen && box.width && (box.left < -1 || box.right > root.clientWidth + 1))
      found.push(element.tagName + "." + element.className);
  }
  return found.slice(0, 5);
}"""
