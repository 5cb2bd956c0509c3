"""`tillswitch`: every command takes `--config FILE`, those that list also `--json`.

Exit codes: 0 done, 1 the books say no (or the daemon is not ready), 2 a mistake in arguments, configuration or around.
"""

from __future__ import annotations

from typing import Any

import click

from switch import __version__
from switch.cli.batches import batch
from switch.cli.cards import card
from switch.cli.common import EXIT_USAGE, Failure
from switch.cli.journal import journal
from switch.cli.lifecycle import check, init, reload, serve, status
from switch.cli.members import member
from switch.cli.merchants import merchant
from switch.cli.points import points
from switch.cli.programmes import programme
from switch.cli.restoring import restore, verify_backup
from switch.cli.safety import audit, backup
from switch.cli.settlements import settlement
from switch.cli.terminals import terminal
from switch.logs import LONG_NUMBER


class Commands(click.Group):
    """Mistakes end in one line, not in a traceback or a screen of usage."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            where = error.ctx.command_path if error.ctx else "tillswitch"
            text = LONG_NUMBER.sub("***", error.format_message())  # it may repeat a card number
            raise Failure(f"{text} (see {where} --help)", EXIT_USAGE) from None
        except BrokenPipeError:
            raise  # whoever read our output has seen enough: click ends quietly
        except OSError as error:
            raise Failure(f"{error.filename or 'system'}: {error.strerror or error}", EXIT_USAGE) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="tillswitch")
def main() -> None:
    """The terminal switch: gift cards and points over ISO 8583.

    First: init, check, serve. Then merchants, terminals, a programme with products, and cards. Changes reach a running
    daemon at once; without one they are made in the books.
    """


_LIFE = (init, check, serve, status, reload)
_THINGS = (merchant, terminal, programme, card, member, points, batch, settlement)
for command in (*_LIFE, *_THINGS, journal, audit, backup, verify_backup, restore):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="tillswitch")
