"""Write the boards beside this file: `python -m deploy.grafana.build`, after every change of what is on them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.grafana.batches import BATCHES
from deploy.grafana.internals import INTERNALS
from deploy.grafana.overview import OVERVIEW
from deploy.grafana.panels import encode
from deploy.grafana.terminals import TERMINALS
from deploy.grafana.transactions import TRANSACTIONS

BOARDS: Final = (OVERVIEW, TERMINALS, TRANSACTIONS, BATCHES, INTERNALS)
FOLDER: Final = Path(__file__).with_name("dashboards")


def files() -> dict[str, str]:
    """What must stand in the folder, and nothing else."""
    return {f"{board.name}.json": encode(board) for board in BOARDS}


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, "utf-8")
