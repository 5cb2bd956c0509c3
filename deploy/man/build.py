"""`python -m deploy.man.build FOLDER`: both pages, where `man -M FOLDER` finds them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from deploy.man.roff import Page, render
from simulators.cli import main as tillsim
from switch import __version__
from switch.cli.main import main as tillswitch

TILLSWITCH: Final = Page(
    "tillswitch",
    8,
    __version__,
    tillswitch,
    [
        (
            "EXIT STATUS",
            [
                ("0", "Done."),
                ("1", "The books say no, or the daemon is not ready."),
                ("2", "A mistake in arguments, configuration or around; the message says which."),
                ("70", "serve only: what is on disk is not known. Start it again: the books tell."),
            ],
        ),
        (
            "FILES",
            [
                ("tillswitch.toml", "The configuration: in the working directory, or where --config says."),
                ("master.key, vault.json", "The keys. Whoever loses them loses the cards."),
                ("books.db", "The books in SQLite, with books.db-wal and books.db-shm."),
                ("control.sock", "Where commands reach the running daemon."),
            ],
        ),
        (
            "SIGNALS",
            [
                ("SIGTERM", "serve ends when everything accepted is answered."),
                ("SIGHUP", "serve reads the configuration again, as by tillswitch reload."),
            ],
        ),
        ("SEE ALSO", ["tillsim(1), deploy/OPERATIONS.md of the source"]),
    ],
)
TILLSIM: Final = Page(
    "tillsim",
    1,
    __version__,
    tillsim,
    [
        (
            "EXIT STATUS",
            [
                ("0", "Approved; everything is as it must be."),
                ("1", "Declined; something differs."),
                ("2", "A mistake in arguments or configuration."),
                ("3", "Nobody answers."),
            ],
        ),
        ("FILES", [("demo-data/demo.json", "Terminals, cards and certificates, made by tillswitch init --demo.")]),
        ("SEE ALSO", ["tillswitch(8), README.md and simulators/stories/README.md of the source"]),
    ],
)


PAGES: Final = (TILLSWITCH, TILLSIM)


def build(folder: Path) -> list[Path]:
    """What was written."""
    written = []
    for page in PAGES:
        file = folder / f"man{page.section}" / f"{page.name}.{page.section}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render(page), "utf-8")
        written.append(file)
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {Path(sys.executable).name} -m deploy.man.build FOLDER")
    for one in build(Path(sys.argv[1])):
        print(one)
