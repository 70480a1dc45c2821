"""Makes the settings and keys of a public site from five answers."""

import grp
import pwd
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from campaign.runtime import environment, initial_settings, keys
from campaign.runtime.initial_settings import PAIRS, QUESTIONS, SIGNING, Question

BASE = Path(__file__).resolve().parents[3]
SETTINGS = ".env"
WORKER_SETTINGS = "worker.env"  # beside it, where the worker is a user of its own
UPDATES = """\
- Move {} to a machine that is offline, and delete it here. No program on this
  machine needs it, and with it the addresses of people who asked for updates can be read."""
COPIES = """\
- Keep a copy of {} in a safe place off this machine, and not where the backups of the database
  are. Without EMAIL_HASH_PEPPER nobody who signed is found again."""
PUBLISH = """\
- Publish where the site cannot change it: deliveries are signed by the key
  {}"""


class Command(BaseCommand):
    help = (
        "Asks five questions and writes `.env` and the key files of a public site. What is given as an option is not "
        "asked. Needs no settings and no database."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        for question in QUESTIONS:
            parser.add_argument(
                question.option, dest=question.setting, metavar="TEXT", help=question.text.replace("%", "%%")
            )
        parser.add_argument(
            "--default-from-email", metavar="TEXT",
            help="the sender of emails; default: the user of the email server, or else the contact",
        )  # fmt: skip
        parser.add_argument("--updates-public-key", metavar="HEX", help="of a pair that was made on another machine")
        parser.add_argument("--folder", type=Path, default=BASE, help="for `.env` and the private keys")
        parser.add_argument("--group", metavar="NAME", help="whose members may read `.env` (mode 640); default: nobody")
        parser.add_argument("--worker-user", metavar="NAME", help="who owns the outbox key, if not the user of `.env`")
        parser.add_argument(
            "--overwrite", action="store_true", help="change a `.env` that is there. Its keys and other settings stay"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.make(options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except PermissionError:
            raise CommandError(f"The files in {options['folder']} need another user, such as root.") from None

    def make(self, options: dict[str, Any]) -> None:
        file = (options["folder"] / SETTINGS).resolve()  # it may be a link to where the settings are
        if not file.parent.is_dir():
            raise CommandError(f"There is no folder {file.parent}.")
        if file.exists() and not options["overwrite"]:
            raise CommandError(f"{file} exists already. `--overwrite` changes its answers and keeps its keys.")
        owners = _owners(file, options["group"], options["worker_user"])
        for_worker = file.parent / WORKER_SETTINGS
        settings = self.answers(options, environment.in_file(file) | environment.in_file(for_worker))
        if options["worker_user"] and not settings["DATABASE_URL"]:
            raise CommandError("DATABASE_URL is missing: the embedded PostgreSQL serves one user, and you have two.")
        initial_settings.file_text(settings)  # so that a wrong value is found before a key is made
        public = ""
        made = {name: initial_settings.key_file(file.parent, name) for name in PAIRS if not settings.get(name)}
        settings |= {name: keys.key_pair(private, owners[name]) for name, private in made.items()}
        if "OUTBOX_PUBLIC_KEY" in made and not options["worker_user"]:
            settings["OUTBOX_PRIVATE_KEY_FILE"] = str(made["OUTBOX_PUBLIC_KEY"])
        if not settings.get(SIGNING[0]):
            made[SIGNING[0]] = signing = initial_settings.key_file(file.parent, SIGNING[0])
            public = keys.signing_key(signing, owners["OUTBOX_PUBLIC_KEY"])  # the worker's, too
            settings[SIGNING[0]] = str(signing)
        files = [file, *made.values()]
        if options["worker_user"] or for_worker.exists():
            own = {name: settings[name] for name in environment.OF_WORKER if settings.get(name)}
            keys.replace(for_worker, initial_settings.file_text(own), owners[WORKER_SETTINGS])
            settings = {name: value for name, value in settings.items() if name not in own}
            files.insert(1, for_worker)
        write = keys.replace if file.exists() else keys.write_once
        if write(file, initial_settings.file_text(settings), owners[SETTINGS]) is False:
            raise CommandError(f"{file} came into being meanwhile.")
        self.stdout.write(f"Written: {', '.join(map(str, files))}.")
        self.stdout.write(_advice(files, settings, is_service=bool(options["worker_user"]), signing_key=public))

    def answers(self, options: dict[str, Any], former: dict[str, str]) -> dict[str, str]:
        """Returns all settings but the key pairs: of the options, of the answers, and what was in the file."""
        for question in QUESTIONS:
            if options[question.setting] is not None:
                question.check(options[question.setting])
        answers = {}
        for question in QUESTIONS:
            given = options[question.setting]
            former_answer = former.get(question.setting, "")
            answers[question.setting] = self.ask(question, former_answer) if given is None else given
        if options["default_from_email"]:
            initial_settings.check_sender(options["default_from_email"])
            answers["DEFAULT_FROM_EMAIL"] = options["default_from_email"]
        if options["updates_public_key"]:
            answers["UPDATES_PUBLIC_KEY"] = environment.public_key("UPDATES_PUBLIC_KEY", options["updates_public_key"])
        return initial_settings.complete(former | answers)

    def ask(self, question: Question, former: str) -> str:
        """Returns the answer to a question, which is asked until it passes its check."""
        while True:
            try:
                answer = input(f"{question.text}{f' [{former}]' if former else ''}: ").strip() or former
            except (EOFError, KeyboardInterrupt):
                raise CommandError(
                    f"No answer, nothing was written. {question.option} answers this question."
                ) from None
            try:
                question.check(answer)
            except ImproperlyConfigured as error:
                self.stderr.write(str(error))
            else:
                return answer


def _owners(file: Path, group: str | None, worker: str | None) -> dict[str, keys.Owner]:
    """Returns who owns each file of settings, and who the private half of each pair."""
    settings, outbox, updates = keys.OURS, keys.Owner(0o400), keys.Owner(0o400)
    for_worker = file.parent / WORKER_SETTINGS
    try:
        if group:
            settings = keys.Owner(0o640, group=_number(group, lambda name: grp.getgrnam(name).gr_gid))
        elif file.exists():
            settings = keys.owner_of(file)
        if worker:
            outbox = keys.Owner(0o400, user=_number(worker, lambda name: pwd.getpwnam(name).pw_uid))
    except KeyError as error:
        raise CommandError(f"There is no such user or group: {error.args[0]}.") from None
    own = keys.owner_of(for_worker) if for_worker.exists() and not worker else outbox
    return {SETTINGS: settings, WORKER_SETTINGS: own, "OUTBOX_PUBLIC_KEY": outbox, "UPDATES_PUBLIC_KEY": updates}


def _number(name: str, find: Callable[[str], int]) -> int:
    return int(name) if name.isdecimal() else find(name)


def _advice(files: list[Path], settings: dict[str, str], *, is_service: bool, signing_key: str) -> str:
    """Returns what is to be kept off this machine, what is to be told, and what comes next.

    `signing_key` is the public one of deliveries, if it was made just now.
    """
    lines = ["", "Before the site is open:"]
    updates = [file for file in files if file.stem == environment.pair("UPDATES_PUBLIC_KEY")]
    lines += [UPDATES.format(file) for file in updates]
    program = "undersigned" if is_service else "manage.py"
    lines += [
        COPIES.format(" and ".join(str(file) for file in files if file not in updates)),
        *([PUBLISH.format(signing_key)] if signing_key else []),
        f"- Emails come from {settings['DEFAULT_FROM_EMAIL']}: set SPF, DKIM and DMARC for its domain.",
        f"Next: `{program} check --deploy`; then start the site (docs/operate/go-live.md).",
    ]
    return "\n".join(lines)
