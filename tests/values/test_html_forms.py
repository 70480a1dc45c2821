"""Filling a form of a finished page with what was sent before (threat model A20)."""

import re
from typing import Any

from lxml import html

from signatures.values import html_forms
from tests.docs.pages import BASE

PAGE = """<!DOCTYPE html><html><head><title>A page</title><script nonce="abc" src="/static/x.js"></script></head>
<body><div id="content"><div id="content-main">
<form method="post" action="/logout/"><input name="title" value="not mine"></form>
<form method="post" id="main" enctype="multipart/form-data">
  <input type="hidden" name="csrfmiddlewaretoken" value="new">
  <input name="title" value="as it was"> <textarea name="body">as it was</textarea>
  <input type="checkbox" name="mail" checked> <input type="checkbox" name="pick" value="1"><input type="checkbox" name="pick" value="2">
  <input type="radio" name="kind" value="a" checked><input type="radio" name="kind" value="b">
  <select name="state"><option value="">-</option><option value="open" selected>open</option><option value="closed">closed</option></select>
  <select name="groups" multiple><option value="1" selected>one</option><option value="2">two</option></select>
  <input type="password" name="secret"> <input type="file" name="scan">
  <button name="do" value="start">Start</button>
</form>
<input name="outside" form="main">
</div></div></body></html>"""


def fill(page: str = PAGE, path: str = "/a/1/", **values: Any) -> Any:
    sent = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return html_forms.fill(page, address="/a/1/?q=x", path=path, values=sent)


def read(filled: Any) -> dict[str, Any]:
    """What a browser would send of the form."""
    form = html.document_fromstring(filled.with_notice("<p>notice</p>")).get_element_by_id("main")
    found: dict[str, Any] = {}
    for name, value in form.form_values():
        found.setdefault(name, []).append(value)
    return found


def test_every_kind_of_field_is_filled() -> None:
    filled = fill(
        title="<b>Ü</b> \"'&amp;", body="\nfirst\r\n<script>\n", pick=["2"], kind="b", state="closed", groups=["2"], outside="x",
    )  # fmt: skip
    page = filled.with_notice("<p>notice</p>")
    assert filled.has_form and filled.left_over == {}
    form = html.document_fromstring(page).get_element_by_id("main")
    assert form.fields["title"] == "<b>Ü</b> \"'&amp;"
    assert (
        '<textarea name="body">\n\nfirst\n&lt;script&gt;\n</textarea>' in page
    )  # a browser drops the first line break
    sent = read(filled)
    assert (sent["pick"], sent["kind"], sent["state"], sent["groups"]) == (["2"], ["b"], ["closed"], ["2"])
    assert "mail" not in sent, "a box that was not ticked is not ticked"
    assert 'name="outside" form="main" value="x"' in page


def test_the_rest_of_the_page_stays_and_the_notice_is_above() -> None:
    page = fill(title="x").with_notice("<p>notice</p>")
    assert page.startswith("<!DOCTYPE html>") and '<script nonce="abc" src="/static/x.js"></script>' in page
    assert '<div id="content-main">\n<p>notice</p>' in page
    assert 'value="not mine"' in page, "another form of the page is left alone"


def test_tokens_passwords_files_and_buttons_are_never_filled() -> None:
    filled = fill(csrfmiddlewaretoken="old", secret="hunter2", scan="x.csv", do="start", title="x")
    page = filled.with_notice("<p></p>")
    assert 'value="new"' in page and "old" not in page and "hunter2" not in page and "x.csv" not in page
    assert filled.left_over == {}


def test_what_has_no_field_is_left_over() -> None:
    filled = fill(title=["x", "second"], state="gone", gone="words", empty="")
    assert filled.left_over == {"title": ["second"], "state": ["gone"], "gone": ["words"]}


def test_the_form_is_found_by_the_path_it_or_its_button_is_sent_to() -> None:
    page = '<body><form method="post" id="main"><input name="reason"><button formaction="export/">Export</button></form></body>'
    assert read(fill(page, "/a/1/export/", reason="Handed over"))["reason"] == ["Handed over"]
    elsewhere = fill(page, "/a/2/", reason="Handed over")
    assert not elsewhere.has_form and elsewhere.left_over == {"reason": ["Handed over"]}


def test_of_two_forms_the_one_with_the_sent_fields_is_filled() -> None:
    page = """<body><form method="post"><button name="undo_mine">Undo</button></form>
        <form method="post" id="main"><input name="reason"></form></body>"""
    assert read(fill(page, reason="Spam"))["reason"] == ["Spam"]


def test_rows_that_a_script_had_added_are_added_again() -> None:
    page = """<body><form method="post" id="main">
      <input type="hidden" name="texts-TOTAL_FORMS" value="1">
      <div id="texts-0"><input name="texts-0-title"></div>
      <div id="texts-empty" class="inline-related empty-form"><input name="texts-__prefix__-title" id="id_texts-__prefix__-title"></div>
    </form></body>"""
    sent = {"texts-TOTAL_FORMS": "3", "texts-0-title": "one", "texts-1-title": "two", "texts-2-title": "three"}
    filled = fill(page, **sent)
    found = read(filled)
    assert [found[f"texts-{n}-title"] for n in range(3)] == [["one"], ["two"], ["three"]]
    assert found["texts-TOTAL_FORMS"] == ["3"] and filled.left_over == {}
    assert '<div id="texts-2" class="inline-related">' in filled.with_notice("<p></p>")
    assert "__prefix__-title" in filled.with_notice("<p></p>"), "the empty row stays, for the next one"


def test_a_page_that_shows_other_rows_by_now_is_left_as_it_is() -> None:
    page = """<body><form method="post" id="main"><input name="note" value=""><input type="hidden" name="as_of" value="9">
      <input type="hidden" name="shown" value="3"><input type="checkbox" name="left_out" value="3">
      <input type="hidden" name="shown" value="4"><input type="checkbox" name="left_out" value="4"></form></body>"""
    sent: dict[str, Any] = {"shown": ["4", "5"], "left_out": ["4", "5"], "note": "Look again", "as_of": "1"}
    filled = fill(page, **sent)
    assert filled.shows_other and read(filled) == {"note": [""], "as_of": ["9"], "shown": ["3", "4"]}
    assert filled.left_over == {"note": ["Look again"]}, "what was typed is not lost"
    sent["shown"] = ["4", "3"]
    filled = fill(page, **sent)
    assert not filled.shows_other and read(filled)["left_out"] == ["4"] and read(filled)["note"] == ["Look again"]


def test_every_hidden_field_of_admin_is_known_to_tell_what_a_page_shows_or_not() -> None:
    found: set[str] = set()
    for file in (BASE / "templates/admin").rglob("*.html"):
        found |= {*re.findall(r'type="hidden" name="([^"{]+)"', file.read_text(encoding="utf-8"))}
    # As it was sent, `as_of` makes a conflict of whatever happened since.
    assert found == html_forms.TELL_WHAT_IS_SHOWN | {"as_of", "next", "reason", "pdf_language"}


def test_characters_that_html_cannot_hold_do_no_harm() -> None:
    assert read(fill(title="a\0b\x0bc\ufffe", body="x\x1f"))["title"] == ["abc"]
