"""Makes secrets and keys. In local mode that happens by itself, under VAR_DIR/keys: one file each, mode 600.

On a public site `manage.py init` and `make_keys` make them, and every secret comes from the environment. The web server
does not read the private keys: only the worker reads that of the outbox, and only the commands for updates read that of
the updates.
"""

import os
import secrets
import stat
from pathlib import Path
from typing import NamedTuple

from nacl.encoding import HexEncoder
from nacl.public import PrivateKey

from campaign.runtime import minisign
from campaign.runtime.complete_files import new_file, replaced_file


class Owner(NamedTuple):
    """Who owns a file, and its mode. Without a number user and group stay those of the process."""

    mode: int
    user: int = -1
    group: int = -1


OURS = Owner(0o600)
SIGNING_KEY = "delivery"  # its file is called after it


def owner_of(path: Path) -> Owner:
    """Returns who owns a file that is there, and its mode without what it allows to others."""
    state = path.stat()
    return Owner(stat.S_IMODE(state.st_mode) & ~stat.S_IRWXO, state.st_uid, state.st_gid)


def new_secret() -> str:
    """Returns 256 random bits in hex."""
    return secrets.token_hex(32)


def secret(folder: Path, name: str) -> str:
    """Returns the local secret of this name, created if missing."""
    path = folder / name
    if not path.exists():
        _make_folder(folder)
        write_once(path, new_secret())
    return path.read_text().strip()


def public_key(folder: Path, name: str) -> str:
    """Returns the public key (Curve25519, hex) of the local key pair of this name, created if missing."""
    path = folder / f"{name}.public"
    if not path.exists():
        _make_folder(folder)
        write_once(path, key_pair(private_file(folder, name)))
    return path.read_text().strip()


def key_pair(private: Path, owner: Owner = OURS) -> str:
    """Returns the public key (Curve25519, hex) of the private key in this file, which is created if missing.

    A file that is there gets the owner and the mode, too.
    """
    # If two processes create it at once, the first one wins, and the public key is made from it.
    if not write_once(private, PrivateKey.generate().encode(HexEncoder).decode(), owner):
        _hand_over(private, owner)
    key = PrivateKey(private.read_text().strip().encode(), HexEncoder)
    return key.public_key.encode(HexEncoder).decode()


def local_signing_key(folder: Path | None) -> str:
    """Returns the file of the local key that signs deliveries, created if missing; empty, where no key is local."""
    if folder is None:
        return ""
    path = private_file(folder, SIGNING_KEY)
    if not path.exists():
        _make_folder(folder)
        signing_key(path)
    return str(path)


def signing_key(path: Path, owner: Owner = OURS) -> str:
    """Write a new key that signs deliveries, unless the file is there. Returns its public key, as minisign takes it."""
    write_once(path, str(minisign.SecretKey.generate()), owner)
    return minisign.SecretKey.read(path).public


def local_private_file(folder: Path | None, name: str) -> str:
    """Returns the path of the private key of a local key pair; empty, where no key is local."""
    return str(private_file(folder, name)) if folder else ""


def private_file(folder: Path, name: str) -> Path:
    """Returns the path of the private key of a key pair."""
    return folder / f"{name}.private"


def write_once(path: Path, text: str, owner: Owner = OURS) -> bool:
    """Write a file, completely or not at all. Returns False if it existed already."""
    try:
        with new_file(path) as draft:
            _write(draft, text, owner)
    except FileExistsError:
        return False
    return True


def replace(path: Path, text: str, owner: Owner) -> None:
    """Write a file in place of the one that is there, completely or not at all."""
    with replaced_file(path) as draft:
        _write(draft, text, owner)


def _write(draft: Path, text: str, owner: Owner) -> None:
    draft.write_text(text + "\n", encoding="utf-8")
    _hand_over(draft, owner)


def _hand_over(path: Path, owner: Owner) -> None:
    os.chown(path, owner.user, owner.group)
    path.chmod(owner.mode)


def _make_folder(path: Path) -> None:
    for folder in (path.parent, path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
