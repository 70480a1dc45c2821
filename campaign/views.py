"""The site's own pages: a letter's history and news, privacy, health, and what is said when something goes wrong."""

import difflib
import sys
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe
from django_tasks_db.models import DBTaskResult

from campaign import database, mirrored
from campaign.middleware import public_page
from campaign.models import Letter, NewsText, Translation

WORKER_SEEN = timedelta(minutes=2)


def operator(request: HttpRequest) -> dict[str, Any]:
    """Who runs the site and whom to write to: on every page; and of which day a copy is."""
    return {
        "operator": settings.OPERATOR_NAME,
        "privacy_contact": settings.PRIVACY_CONTACT,
        "site_url": settings.SITE_URL,
        "copied_on": mirrored.on(request),
    }


@require_safe
@public_page
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Every published text of a letter: its digest, and what changed from the one before."""
    letter = Letter.objects.published().filter(slug=slug).first()
    texts = list(
        Translation.objects.filter(revision__letter=letter, published_at__isnull=False)
        .select_related("revision")
        .order_by("revision__number", "language")
    )
    if letter is None or not texts:
        raise Http404
    before: dict[str, Translation] = {}
    rows = []
    for text in texts:
        rows.append({"text": text, "changes": _changes(before.get(text.language), text)})
        before[text.language] = text
    return render(request, "letter/history.html", {"letter": letter, "translation": texts[-1], "rows": rows[::-1]})


def _changes(old: Translation | None, new: Translation) -> list[tuple[str, str]]:
    """The paragraphs that went ("-") and came ("+")."""
    if old is None:
        return []
    was, now = ([line for part in text.parts() for line in part.split("\n") if line.strip()] for text in (old, new))
    return [(line[0], line[2:]) for line in difflib.ndiff(was, now) if line[0] in "+-"]


@require_safe
@public_page
def news(request: HttpRequest, slug: str) -> HttpResponse:
    """All news on a letter, the newest first."""
    language = get_language() or ""
    text = Translation.objects.newest(slug, language)
    if text is None:
        raise Http404
    letter = text.revision.letter
    context = {"letter": letter, "translation": text, "news": NewsText.objects.shown(letter, language)}
    return render(request, "letter/all_news.html", context)


@require_safe
@public_page
def privacy(request: HttpRequest) -> HttpResponse:
    """What is stored, for how long, who sees it, how to leave."""
    context = {"retention_months": settings.RETENTION_MONTHS, "letter": Letter.objects.current()}
    return render(request, "privacy.html", context)


@require_safe
@public_page
def robots(request: HttpRequest) -> HttpResponse:
    """Names and personal links are not for search engines."""
    lines = ["User-agent: *", "Disallow: /signature/", "Disallow: /*/signature/", "Disallow: /*signatories/", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Whether the site can take signatures: database reached and writable, migrations run, durable, worker seen."""
    checks: dict[str, bool] = {"database": False, "migrations": False, "durable": False, "worker": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            checks["database"] = cursor.fetchone()[0] == "off"
        executor = MigrationExecutor(connection)
        checks["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        checks["durable"] = all(value == "on" for value in database.durability().values())
        # The worker folds the counts every half minute; the job leaves its time.
        checks["worker"] = DBTaskResult.objects.filter(finished_at__gte=timezone.now() - WORKER_SEEN).exists()
    except DatabaseError:
        pass  # what was not reached stays false
    is_ready = all(checks.values())
    return JsonResponse({"ready": is_ready, **checks}, status=200 if is_ready else 503)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "400.html", status=400)


def refused(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


def fault(request: HttpRequest) -> HttpResponse:
    """503 while the database is away, which passes by itself; 500 for a fault of ours."""
    if isinstance(sys.exc_info()[1], OperationalError):
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "10"
        return response
    return render(request, "500.html", status=500)
