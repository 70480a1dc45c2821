"""No package leaves the build that its own checker would refuse: staff see a failed build in its place."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from campaign.models import Letter
from signatures.delivery import building, freezing, package, self_check, statement
from signatures.delivery.checker import check
from signatures.models import Delivery, Signature
from signatures.signing import withdrawal
from tests.delivery.factories import make_delivery, make_files
from tests.factories import make_many, make_signature

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(letter: Letter) -> Letter:
    make_signature(letter, "김철수", country="KR")
    make_many(letter, 5)
    return letter


def bend(delivery: Delivery, **values: Any) -> None:
    """Changes what is frozen, which the database refuses to everybody else."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Delivery.objects.filter(pk=delivery.pk).update(**values)
        cursor.execute("SET LOCAL session_replication_role = origin")
    delivery.refresh_from_db()


@contextmanager
def made_in(delivery: Delivery, to: Path) -> Iterator[Path]:
    """A folder with all files but those that `_store_edition` makes."""
    with tempfile.TemporaryDirectory(dir=to) as name, override_settings(DELIVERIES_DIR=to):
        folder = Path(name)
        package.write_entries(delivery.rows.all(), folder)
        package.write_statement(folder, delivery)
        (folder / statement.PDF).write_bytes(b"%PDF-1.7\n")
        yield folder


def test_a_statement_that_contradicts_itself_is_not_stored(signed: Letter, tmp_path: Path) -> None:
    delivery = freezing._freeze(signed, None, "for a test")
    bend(delivery, counts=delivery.counts | {"public_count": 99})
    with pytest.raises(self_check.NotWhole, match="the public count of 99 fits neither"):
        make_files(delivery, tmp_path)
    delivery.refresh_from_db()
    assert (delivery.statement, delivery.root, list(tmp_path.iterdir())) == ("", "", [])
    bend(delivery, counts=delivery.counts | {"public_count": 6})
    assert check.check(make_files(delivery, tmp_path), check.Expected()).code == 0, "once repaired, it can be built"


def test_E12_a_package_whose_files_disagree_is_not_stored(signed: Letter, tmp_path: Path) -> None:
    """As when somebody is erased after the list was written: the build is begun anew."""
    delivery = make_delivery(signed, tmp_path)
    before = (tmp_path / "bridge-1.zip").read_bytes()
    with made_in(delivery, tmp_path) as folder:
        withdrawal.erase(Signature.objects.get(name="김철수"))
        with pytest.raises(self_check.NotWhole, match="is of somebody who is not blanked"):
            building._store_edition(delivery, folder, None)
    assert (tmp_path / "bridge-1.zip").read_bytes() == before
    assert list(delivery.editions.values_list("number", flat=True)) == [1]


def test_staff_see_how_much_of_the_package_is_checked(signed: Letter, tmp_path: Path) -> None:
    delivery, seen = make_delivery(signed, tmp_path), list[tuple[int, int]]()
    with made_in(delivery, tmp_path) as folder:
        building._store_edition(delivery, folder, None, lambda done, total: seen.append((done, total)))
    size = 2 * (tmp_path / "bridge-1.zip").stat().st_size
    assert [done for done, _total in seen] == sorted(done for done, _total in seen)
    assert {total for _done, total in seen} == {size} and 0 < seen[-1][0] <= size


def test_R8_who_is_erased_leaves_the_files_although_an_old_statement_is_refused(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    claims = delivery.claims
    claims["counts"]["public_count"] = 99
    content = statement.canonical(claims)
    bend(delivery, statement=content.decode(), statement_sha256=bytes.fromhex(statement.digest_of(content)))
    withdrawal.erase(Signature.objects.get(name="김철수"))
    delivery.refresh_from_db()
    path = make_files(delivery, tmp_path)
    shutil.unpack_archive(path, tmp_path)
    assert "김철수" not in (tmp_path / "bridge-1" / "signatories.csv").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "bridge-1" / "files.json").read_text())["edition"] == 2
    assert check.check(path, check.Expected()).code == 1
