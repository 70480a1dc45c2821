"""Makes a delivery with its package, as the build job leaves it, with any bytes in place of the typeset letter."""

import shutil
import tempfile
from pathlib import Path

from django.conf import settings

from campaign.models import Letter
from signatures.delivery import freezing, manifest, package, package_store
from signatures.models import Delivery


def make_delivery(letter: Letter, to: Path | None = None) -> Delivery:
    """Returns a delivery that is ready, frozen in the test's own transaction."""
    delivery = freezing._freeze(letter, None, "for a test")
    with tempfile.TemporaryDirectory() as folder:
        make_files(delivery, to or Path(folder))
    return delivery


def path_of(delivery: Delivery) -> Path:
    return Path(package_store.place(delivery.package))


def make_files(delivery: Delivery, to: Path) -> Path:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _named, tree = package.write_entries(delivery.rows.all(), folder)
        root = tree.root.hex()
        (folder / manifest.PDF).write_bytes(
            f"%PDF-1.7\n{delivery.counts['named']} names, root {root}\n%%EOF\n".encode()
        )
        files = package.write_package(folder, delivery, root=root, site=settings.SITE_URL)
        shutil.move(folder / delivery.package, to / delivery.package)
    if not delivery.root:
        delivery.root, delivery.subtree_roots, delivery.files, delivery.state = (
            root,
            tree.subtree_roots,
            files,
            Delivery.State.READY,
        )
        delivery.save(update_fields=["root", "subtree_roots", "files", "state"])
    return to / delivery.package
