"""A real sshd on a loopback port, for this user alone, and the ssh that finds its way there."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/own.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""
CLIENT = """
Host far
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/own
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile {folder}/known
  LogLevel ERROR
"""


def missing() -> str | None:
    """Why there is no ssh here; None where there is."""
    found = {name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("sshd", "ssh", "ssh-keygen")}
    absent = [name for name, path in found.items() if path is None]
    return f"no {absent[0]} here: install openssh-server" if absent else None


class Sshd:
    """Its keys and configs are in `folder`; `gateway` is how `--tx` gets there."""

    def __init__(self, folder: Path) -> None:
        for name in ("host", "own"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (folder / "server").write_text(SERVER.format(port=port, folder=folder))
        (folder / "client").write_text(CLIENT.format(port=port, folder=folder, user=getpass.getuser()))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd keeps nothing, and wants it to be
        self.gateway = f"ssh=far//ssh_config={folder / 'client'}"
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert sshd is not None
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "server")], stderr=self._log)
        self._wait(port, folder / "log")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._log.close()

    def _wait(self, port: int, log: Path) -> None:
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, log.read_text()
                assert time.monotonic() < end, "sshd does not listen"
                time.sleep(0.05)
