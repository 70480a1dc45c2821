"""Secrets of local mode: created on the first run under VAR_DIR/keys, one file each, mode 600.

On a public site every secret comes from the environment, and this module is not used. The web server does not read the
private keys: only the worker reads that of the outbox, and only the commands for updates read that of the updates.
"""

import os
import secrets
from pathlib import Path

from nacl.encoding import HexEncoder
from nacl.public import PrivateKey


def secret(folder: Path, name: str) -> str:
    """Returns the local secret of this name, created if missing: 256 random bits in hex."""
    path = folder / name
    if not path.exists():
        _write_once(path, secrets.token_hex(32))
    return path.read_text().strip()


def public_key(folder: Path, name: str) -> str:
    """Returns the public key (Curve25519, hex) of the local key pair of this name, created if missing."""
    path = folder / f"{name}.public"
    if not path.exists():
        private = PrivateKey.generate()
        # If two processes create the pair at once, the first private key wins, and the public key is made from it.
        if not _write_once(private_file(folder, name), private.encode(HexEncoder).decode()):
            private = PrivateKey(private_file(folder, name).read_text().strip().encode(), HexEncoder)
        _write_once(path, private.public_key.encode(HexEncoder).decode())
    return path.read_text().strip()


def private_file(folder: Path, name: str) -> Path:
    """Returns the path of the private key of a local key pair."""
    return folder / f"{name}.private"


def _write_once(path: Path, text: str) -> bool:
    """Write a file with mode 600, completely or not at all. Returns False if it existed already."""
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(text + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
