"""Secrets of local mode: made on the first run under VAR_DIR/keys, one file each, mode 600.

Production gives every secret by the environment, and nothing here is called.
The private halves are written, never read: only `signatures.post` (in the worker) and the keeper read those files.
"""

import os
import secrets
from pathlib import Path

from nacl.encoding import HexEncoder
from nacl.public import PrivateKey


def secret(folder: Path, name: str) -> str:
    """The local secret of this name: 256 random bits in hex, made if there is none."""
    path = folder / name
    if not path.exists():
        _write_once(path, secrets.token_hex(32))
    return path.read_text().strip()


def public_key(folder: Path, name: str) -> str:
    """The public half (Curve25519, hex) of the local key pair of this name, made if there is none."""
    path = folder / f"{name}.public"
    if not path.exists():
        private = PrivateKey.generate()
        # The private half decides a race: who lost it must not publish a public half that fits nothing.
        if _write_once(private_file(folder, name), private.encode(HexEncoder).decode()):
            _write_once(path, private.public_key.encode(HexEncoder).decode())
        else:
            winner = PrivateKey(private_file(folder, name).read_text().strip().encode(), HexEncoder)
            _write_once(path, winner.public_key.encode(HexEncoder).decode())
    return path.read_text().strip()


def private_file(folder: Path, name: str) -> Path:
    """Where the private half of a local key pair lies."""
    return folder / f"{name}.private"


def _write_once(path: Path, text: str) -> bool:
    """Write a whole file or none, mode 600; False when another process was first."""
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
