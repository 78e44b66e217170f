"""Whether a worker shares the disk, and the host, of the session's owner: told by trying, since paths and ports exist everywhere.

In, at the owner: the folder of the session's lock files. Out: a Mark, which goes to the workers. A worker shares the disk if it
reads the owner's secret in that folder, and the host if it hears the secret on the owner's loopback port.
"""

from __future__ import annotations

import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "owner"  # the file with the secret


@dataclass(frozen=True, slots=True)
class Mark:
    """The owner's secret, and the port where it is told; None where nobody needs to know."""

    secret: str
    port: int | None

    def on_disk(self, folder: str) -> bool:
        """Whether the owner's folder is the one that has this path here."""
        try:
            return (Path(folder) / NAME).read_text(encoding="ascii", errors="replace") == self.secret
        except OSError:
            return False

    def on_host(self) -> bool:
        """Whether loopback addresses of the owner's are the same here."""
        if self.port is None:
            return False
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as heard:
                return heard.makefile("rb").read(len(self.secret)) == self.secret.encode()
        except OSError:
            return False

    def to_json(self) -> list[Any]:
        return [self.secret, self.port]


class Beacon:
    """The owner's end: writes the secret down and, where `loud`, tells it on a loopback port until `close`."""

    def __init__(self, folder: Path, *, loud: bool) -> None:
        secret = secrets.token_hex(16)
        (folder / NAME).write_text(secret, encoding="ascii")
        self._socket = socket.create_server(("127.0.0.1", 0)) if loud else None
        self.mark = Mark(secret, self._socket.getsockname()[1] if self._socket else None)
        if self._socket is not None:
            threading.Thread(target=self._tell, args=(self._socket,), name="understudy-beacon", daemon=True).start()

    def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # ends the accept that the thread waits in
            self._socket.close()

    def _tell(self, listening: socket.socket) -> None:
        while True:
            try:
                other, _ = listening.accept()
            except OSError:  # closed
                return
            with other, suppress(OSError):
                other.sendall(self.mark.secret.encode())
