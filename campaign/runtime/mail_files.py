"""Email backend of local mode: writes each email to a file that any mail program opens."""

import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from campaign.runtime.complete_files import new_file


class EmailBackend(BaseEmailBackend):
    """Writes `<file_path>/<time>-<random>.eml`."""

    def __init__(self, *, file_path: str, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # the base takes whatever OPTIONS holds
        self.folder = Path(file_path)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}.eml"
            with new_file(self.folder / name) as draft:
                draft.write_bytes(message.message().as_bytes())
        return len(email_messages)
