"""Builds images with buildah, without a registry, and runs them without a daemon: as an engine would, on a read-only root.

A container here has file systems, processes and rights of its own, as `deploy/compose.yaml` asks for: nothing may be
written but volumes and /tmp, no capability is kept, and no program can win one. Its network is that of the caller.
"""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live_site import children_of

STAGE_SECONDS = 600  # longest time of one command
START = """
set -e
root=$1 user=$2 folder=$3; shift 3
mount --bind "$root" "$root"
mount -t tmpfs tmpfs "$root/tmp"; mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount -t tmpfs tmpfs "$root/dev/shm"
while [ "$1" != -- ]; do
    if [ -f "$1" ]; then mkdir -p "$root$(dirname "$2")"; touch "$root$2"; fi
    mount --bind "$1" "$root$2"
    if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
    shift 3
done
shift
mount -o remount,bind,ro "$root"
exec /usr/sbin/chroot "$root" /usr/bin/setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups \\
    --no-new-privs --bounding-set=-all --inh-caps=-all sh -c 'cd "$1"; shift; exec "$@"' sh "$folder" "$@"
"""


@dataclass(frozen=True)
class Mount:
    source: Path
    target: str
    is_read_only: bool = False


def run(*command: str, folder: Path | None = None) -> str:
    """Runs a program of this machine. Returns what it printed.

    Raises:
        AssertionError: with all that it printed, if it fails.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STAGE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(command[:3])} … failed:\n{done.stdout[-4000:]}")
    return done.stdout


class Store:
    """Images and their files, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.buildah = ["buildah", "--root", str(folder / "storage"), "--runroot", str(folder / "run")]

    def build(self, name: str, file: Path, folder: Path, *options: str) -> None:
        kind = ["--isolation", "chroot", "--format", "docker", "--tag", name, "--file", str(file)]
        run(*self.buildah, "bud", *kind, *options, str(folder))

    def config(self, name: str) -> dict[str, Any]:
        """What the image says about itself, with its size and its history."""
        found = json.loads(run(*self.buildah, "inspect", "--type", "image", name))
        (image,) = json.loads(run(*self.buildah, "images", "--json", name))
        return {**found["Docker"]["config"], "size": image["size"], "history": str(found["Docker"]["history"])}

    @contextlib.contextmanager
    def mounted(self, name: str) -> Iterator[Path]:
        """The files of an image."""
        container = run(*self.buildah, "from", "--pull-never", name).strip()
        try:
            yield Path(run(*self.buildah, "mount", container).strip())
        finally:
            run(*self.buildah, "rm", container)


@dataclass(frozen=True)
class Image:
    """An image whose files are mounted."""

    root: Path
    config: Mapping[str, Any]

    def command(self, *words: str, mounts: Sequence[Mount] = (), is_shell: bool = False) -> list[str]:
        """The command that runs these words in a container: through its entry point, or as they are."""
        flat = [part for one in mounts for part in (str(one.source), one.target, "ro" if one.is_read_only else "rw")]
        head = ["/usr/bin/unshare", "--mount", "--pid", "--fork", "/bin/sh", "-c", START, "sh"]
        entry = [] if is_shell else self.config["Entrypoint"]
        return [*head, str(self.root), self.config["User"], self.config["WorkingDir"], *flat, "--", *entry, *words]

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**dict(line.split("=", 1) for line in self.config["Env"]), **more}

    def run(self, *words: str, mounts: Sequence[Mount] = (), is_shell: bool = False, **environment: str) -> str:
        """Runs a command in a container of its own. Returns what it printed.

        Raises:
            AssertionError: with all that it printed, if it fails.
        """
        done = subprocess.run(
            self.command(*words, mounts=mounts, is_shell=is_shell),
            env=self.environment(environment),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=STAGE_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"{' '.join(words)} failed in the container:\n{done.stdout[-4000:]}")
        return done.stdout

    @contextlib.contextmanager
    def running(
        self, *words: str, log: Path, mounts: Sequence[Mount] = (), is_shell: bool = False, **environment: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A container that runs within this block."""
        command = self.command(*words, mounts=mounts, is_shell=is_shell)
        with log.open("ab") as out:
            process = subprocess.Popen(
                command, env=self.environment(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        try:
            yield process
        finally:
            # What ends the first process ends all of the container. That of `unshare` alone does not: its option
            # `--kill-child` is gone with the privileges that the container gives up.
            for first in children_of(process.pid):
                os.kill(first, signal.SIGKILL)
            process.kill()
            process.wait()


def with_a_network_of_its_own() -> None:
    """Moves this thread, and all that it starts, into an empty network: every port of 127.0.0.1 is free."""
    os.unshare(os.CLONE_NEWNET)
    run("ip", "link", "set", "lo", "up")
