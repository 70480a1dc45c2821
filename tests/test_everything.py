"""What must hold for all of it: every address, every admin page, every command. `tests/docs` has what the docs say."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command, get_commands, load_command_class
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from rcssmin import cssmin

from signatures.models import Signature
from signatures.values import tokens
from tests import single_decisions
from tests.delivery.factories import make_delivery
from tests.factories import make_logo
from tests.languages import PREFIXES
from tests.prepared import BASE

OURS = [name for name, app in get_commands().items() if app in {"campaign", "signatures"}]


def names_of(patterns: list[Any]) -> list[str]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += [] if pattern.namespace else names_of(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.append(pattern.name)
    return found


WITHOUT_LANGUAGE = {
    "ready",
    "metrics",
    "robots",
    "security",
    "favicon.ico",
    "apple-touch-icon.png",
    "sitemap",
    "api",
    "manual",
    "look",
    "logo",
}  # addresses that no language has a copy of


@pytest.mark.django_db
@pytest.mark.parametrize("language", PREFIXES)
def test_every_address_answers_with_one_heading_a_title_and_no_foreign_host(
    client: Client, ada: Signature, language: str
) -> None:
    arguments = {"slug": "bridge", "public_id": ada.public_id, "token": tokens.personal_token(ada.public_id)}
    leaving = tokens.unsubscribe_token(ada.public_id)
    make_delivery(ada.letter)
    logo = make_logo(ada.letter)
    for name in names_of(get_resolver().url_patterns):
        route = next(
            kwargs
            for kwargs in (
                {},
                {"slug": "bridge"},
                {"slug": "bridge", "public_id": ada.public_id},
                {"slug": "bridge", "number": 1},
                {"color": "7a1f1f"},
                {"digest": logo.digest},
                {"token": leaving if name == "unsubscribe" else arguments["token"]},
            )
            if fits(name, kwargs)
        )
        answer = client.get(
            language + reverse(name, kwargs=route) if name not in WITHOUT_LANGUAGE else reverse(name, kwargs=route)
        )
        missing = {"challenge": 404, "metrics": 404}  # no worker, no work asked of browsers, no token
        assert answer.status_code in {200, 303, missing.get(name, 200)}, name
        if answer.status_code == 200 and "html" in answer["Content-Type"]:
            page = answer.content.decode()
            assert len(re.findall(r"<h1[ >]", page)) == 1, name
            assert re.search(r"<title>[^<]+</title>", page), name
            assert f'lang="{language.strip("/") or "en"}' in page, name
            # A link that somebody follows loads nothing; it says itself that it leads away.
            page = re.sub(r'<a href="https://[^"]+" rel="noopener noreferrer external">', "", page)
            sources = re.findall(r'(?:src|href|action)="([a-z]+:[^"]*|//[^"]*)"', page)
            assert [source for source in sources if not source.startswith((settings.SITE_URL, "mailto:"))] == [], name
            assert settings.ORGANIZATION_NAME in page and settings.CONTACT_EMAIL in page, name


def fits(name: str, kwargs: dict[str, Any]) -> bool:
    try:
        reverse(name, kwargs=kwargs)
    except NoReverseMatch:
        return False
    return True


@pytest.mark.django_db
def test_every_admin_page_opens(admin_client: Client, ada: Signature, admin_user: Any) -> None:
    single_decisions.reject(ada, by=admin_user.pk, reason="to have an audit entry")
    assert admin_client.get("/admin/").status_code == 200
    for model, page in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert admin_client.get(base).status_code == 200, base
        assert admin_client.get(f"{base}?q=x").status_code == 200 or not page.search_fields, base
        assert admin_client.get(f"{base}add/").status_code in {200, 403, 404}, base  # 404: its rows have no pages
        for row in model._default_manager.order_by("pk")[:1]:
            assert admin_client.get(f"{base}{row.pk}/change/").status_code == 200, base
            assert admin_client.get(f"{base}{row.pk}/history/").status_code == 200, base


@pytest.mark.parametrize("name", OURS)
def test_every_command_has_help(name: str) -> None:
    command = load_command_class(get_commands()[name], name)
    assert command.help and command.help.endswith(".")


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_import_contracts_hold_and_a_wrong_import_is_caught(tmp_path: Path) -> None:
    lint = [str(Path(sys.executable).with_name("lint-imports"))]
    assert subprocess.run(lint, cwd=BASE, capture_output=True, check=False).returncode == 0
    for name in ("campaign", "signatures"):
        for file in (BASE / name).rglob("*.py"):
            copy = tmp_path / file.relative_to(BASE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((BASE / "pyproject.toml").read_bytes())
    names = tmp_path / "signatures" / "values" / "names.py"
    names.write_text(names.read_text() + "\nfrom signatures.moderation import decisions\n")
    broken = subprocess.run(lint, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert broken.returncode != 0 and "signatures.values.names" in broken.stdout


def test_the_two_commands_of_the_readme_are_the_ones_ci_runs() -> None:
    ci, readme = ((BASE / name).read_text(encoding="utf-8") for name in (".ci/run", "README.md"))
    assert "uv run manage.py serve" in readme and "uv run pytest" in readme
    assert re.search(r"^\s*(step .*)?uv run pytest", ci, re.MULTILINE)
    assert (BASE / ".python-version").read_text().strip() == "3.13"


def test_X2_the_locks_name_every_dependency_with_hashes_and_no_host() -> None:
    project = tomllib.loads((BASE / "pyproject.toml").read_text(encoding="utf-8"))
    needed, tools = project["project"]["dependencies"], project["dependency-groups"]["dev"]
    for name, wanted in {"requirements.txt": needed, "requirements-dev.txt": [*needed, *tools]}.items():
        lock = (BASE / name).read_text(encoding="utf-8")
        assert len(wanted) > 15
        for pin in wanted:
            assert re.search(rf"^{re.escape(re.sub(r'\[.*\]', '', pin))}( |$)", lock, re.MULTILINE), (
                f"{pin} is not in {name}"
            )
        assert "--hash=sha256:" in lock and "://" not in lock and "file:" not in lock
    pinned = re.findall(r"^[a-z0-9][^ ]+==[^ ]+", (BASE / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(pinned) <= set(lock.split()), "development runs on what production runs on"


def test_the_one_sheet_is_small() -> None:
    assert len(cssmin((BASE / "static" / "css" / "site.css").read_text(encoding="utf-8"))) < 20_000


def test_no_module_passes_300_lines_and_functions_are_short() -> None:
    files = [*(BASE / "campaign").rglob("*.py"), *(BASE / "signatures").rglob("*.py")]
    # The checker of packages is one file, so that anybody can take it along.
    files = [file for file in files if "migrations" not in file.parts and file.name != "check.py"]
    assert [file for file in files if len(file.read_text(encoding="utf-8").splitlines()) > 300] == []
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert median((node.end_lineno or node.lineno) - node.lineno + 1 for node in functions) <= 6


def test_nothing_reads_outside_the_project() -> None:
    for file in [
        *BASE.glob("*.*"),
        *(BASE / "campaign").rglob("*.py"),
        *(BASE / "signatures").rglob("*.py"),
        *(BASE / "tests").rglob("*.py"),
    ]:
        if file.is_file() and file.name not in {"uv.lock", "test_everything.py"}:
            assert "../shared" not in file.read_text(encoding="utf-8"), file


@pytest.mark.xdist_group("serve")
def test_tests_of_one_group_stay_together(request: pytest.FixtureRequest) -> None:
    """A pytest that the workers do not know (9.2, with xdist 3.8) drops groups silently: each then plays all again."""
    is_apart = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@serve") == is_apart
