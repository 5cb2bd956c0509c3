"""What systemd is to a daemon with socket units: it holds the sockets, starts it with them, keeps what it is given."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading

from tests.cli.operator import COMMAND, ROOT, Operator
from tests.contract.daemon import wait_until_ready

LISTENERS = ("nac", "ascii", "visa2", "nac-tls")
STOP_SECONDS = 20.0  # the daemon drains for ten
KEPT_MAX = 4


class Manager:
    """With a daemon running, until it is closed."""

    def __init__(self, office: Operator) -> None:
        self.office = office
        ports = office.demo["listeners"]
        self.sockets = {name: socket.create_server(("127.0.0.1", ports[name]), backlog=1024) for name in LISTENERS}
        self.ports = {name: one.getsockname()[1] for name, one in self.sockets.items()}
        self.kept: list[tuple[str, int]] = []
        self.address = office.folder / "notify"
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(str(self.address))
        self.listening = threading.Thread(target=self.listen)
        self.listening.start()
        self.start()

    def listen(self) -> None:
        """sd_notify(3): what is to be kept, and what no longer."""
        while True:
            text, descriptors, *_ = socket.recv_fds(self.told, 4096, 256)
            words = dict(line.split("=", 1) for line in text.decode().splitlines())
            if not words:
                return
            if "FDSTORE" in words:
                assert words["FDPOLL"] == "0"  # else it would be thrown away as soon as the daemon has ended
                self.kept += [(words["FDNAME"], one) for one in descriptors]
                assert len(self.kept) <= KEPT_MAX
                continue
            if "FDSTOREREMOVE" in words:
                descriptors = [one for name, one in self.kept if name == words["FDNAME"]]
                self.kept = [(name, one) for name, one in self.kept if name != words["FDNAME"]]
            for one in descriptors:  # also the one of BARRIER=1
                os.close(one)

    def start(self) -> None:
        given = [(name, one.fileno()) for name, one in self.sockets.items()] + self.kept

        def hand_over() -> None:
            """In the child: descriptors from 3 on."""
            for place, (_, descriptor) in enumerate(given):
                os.dup2(descriptor, 100 + place)
            for place in range(len(given)):
                os.dup2(100 + place, 3 + place)

        names = ":".join(name for name, _ in given)
        script = f"LISTEN_PID=$$ LISTEN_FDS={len(given)} LISTEN_FDNAMES={names} NOTIFY_SOCKET={self.address} "
        script += f'FDSTORE={KEPT_MAX} exec "$@"'
        command = ["sh", "-c", script, "sh", *COMMAND, "serve", "--config", str(self.office.file)]
        with self.office.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, close_fds=False, preexec_fn=hand_over
            )
        wait_until_ready(self.daemon, self.office.config.ops.port, self.office.log)

    def stop(self) -> None:
        self.daemon.send_signal(signal.SIGTERM)
        assert self.daemon.wait(STOP_SECONDS) == 0, self.office.log.read_text()

    def replace(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        self.daemon.kill()
        self.daemon.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", str(self.address))
        self.listening.join()
        for one in (self.told, *self.sockets.values()):
            one.close()
        for _, descriptor in self.kept:
            os.close(descriptor)
