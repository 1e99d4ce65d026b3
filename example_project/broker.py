"""Celery's filesystem broker, whose messages appear whole.

kombu creates a message under the name that its readers look for and fills it afterwards. A worker that looks in between
reads an empty file and ends itself ("Unrecoverable error: JSONDecodeError"). Here a message bears another name until it
is complete.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """kombu's, but for how a message is put down."""

    def _put(self, queue: str, message: object, **kwargs: Any) -> None:  # type: ignore[override]  # named differently
        # The name as kombu forms it: in order of time, then `.QUEUE.msg`.
        finished = Path(self.data_folder_out, f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg")
        unfinished = finished.with_suffix(".part")
        try:
            unfinished.write_text(dumps(message), encoding="utf-8")
            unfinished.rename(finished)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise ChannelError(f"cannot write {finished}") from error


class Transport(filesystem.Transport):
    """What `filesystem://` means to this project's Celery app."""

    Channel = Channel
