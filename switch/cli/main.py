"""`tillswitch`: every command takes `--config FILE`, those that list also `--json`."""

from __future__ import annotations

import sys

import click

from switch import __version__
from switch.cli.lifecycle import check, init, reload, serve, status
from switch.cli.safety import audit, backup


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tillswitch")
def main() -> None:
    """The terminal switch: gift cards and loyalty over ISO 8583."""


for command in (init, serve, check, status, reload, audit, backup):
    main.add_command(command)

if __name__ == "__main__":
    sys.exit(main())
