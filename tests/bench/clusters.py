"""Pages of the review queue whose rows have others like them: while a tenth of a million waits, and all of it."""

import statistics

from tests.bench import admin
from tests.bench.fixture import BenchSite
from tests.bench.table import Row, say

SITE = "1m-waiting"
MAX_RATIO = 2  # to a page on which no row has anything in common with another
PAGES = {"": admin.QUEUE, ", in batches": f"{admin.QUEUE}?tab=batch"}
# What the rows of the page are, and by which key they are alike. One in 400 of the others is alone as well: what nearly
# nobody has, no plan may look for among a million.
KINDS = {"alone": "'alone ' || id", "27 of a kind": "'few ' || id / 27", "a flood": "'flood'"}
OTHERS = (
    f"CASE WHEN id % 400 = 0 THEN {KINDS['alone']} WHEN language = 'en' THEN {KINDS['27 of a kind']} "
    f"ELSE {KINDS['a flood']} END"
)
COMMENT = "'Freedom ' || translate({key}, '0123456789', 'abcdefghij') || '! ' || id"
FIRST = (
    "SELECT id FROM (SELECT id FROM signatures_signature WHERE state = 'waiting' AND name <> '' "
    "ORDER BY CASE WHEN flags = '{}' THEN 1 ELSE 0 END, signed_up_at, id LIMIT 500) AS flagged "
    "UNION ALL SELECT id FROM (SELECT id FROM signatures_signature WHERE state = 'waiting' AND flags = '{}' "
    "AND CASE WHEN flags = '{}' THEN 1 ELSE 0 END = 1 AND name <> '' ORDER BY signed_up_at, id LIMIT 500) AS unflagged"
)
WAITS = "state = 'waiting', approved_on = NULL, flags = '{}', "


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    site, rounds = sites[SITE], 1 if quick else 7
    site.manage("shell", "-v", "0", "-c", admin.MAKE)
    browser = admin.log_in(site)
    rows: list[Row] = []
    for where, also in (("state = 'waiting'", ""), ("state IN ('approved', 'rejected')", WAITS)):
        make_alike(site, where, OTHERS, also)
        site.manage("shell", "-v0", "-c", "from signatures import counts; counts.fold_deltas()")
        site.sql("VACUUM ANALYZE")
        ((number,),) = site.sql("SELECT count(*) FROM signatures_signature WHERE state = 'waiting'")
        took: dict[tuple[str, str], list[float]] = {(kind, page): [] for kind in KINDS for page in PAGES}
        for _round in range(rounds):
            for kind, key in KINDS.items():
                make_alike(site, f"id IN ({FIRST})", key)
                for page, path in PAGES.items():
                    times = [admin.fetch(browser, site.url + path) for _time in range(4)]
                    took[kind, page] += times[1:]  # the first request fills caches, as on a site in use
        medians = {key: statistics.median(times) for key, times in took.items()}
        for (kind, page), milliseconds in medians.items():
            base = medians["alone", page]
            work = f"queue{page}, {number:,} wait, {kind}"
            say(f"  {work}: {milliseconds:.0f} ms, {milliseconds / base:.2f} of a page without clusters")
            rows.append(Row(f"{work}: p50", milliseconds, "ms", None, admin.MAX_MS, at_least=False))
            rows.append(Row(f"{work}: to alone", milliseconds, "ms", base, MAX_RATIO, at_least=False))
    return rows


def make_alike(site: BenchSite, where: str, key: str, also: str = "") -> None:
    """Gives the signatures of this condition a name, mailbox, network and comment by this key, as far as they have any."""
    digest = f"left(md5({key}), 16)"
    names = f"name_key = {digest}, comment = {COMMENT.format(key=key)}, "
    for words, is_named in (("", "name = ''"), (names, "name <> ''")):
        site.sql(
            f"UPDATE signatures_signature SET {also}{words}mailbox = {digest}, network = {digest} "
            f"WHERE {where} AND {is_named}"
        )
