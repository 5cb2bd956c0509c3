"""A daemon under load is killed again and again; what it answered is in the books, what it did not can be undone.

The client is `simulators.load`: it reverses what was not answered, and knows what every card has to hold at the end.
"""

import random
from pathlib import Path

import pytest
import trio

from tests.crash.daemon import Daemon, prove
from tests.crash.traffic import CONNECTIONS, Load


@pytest.mark.slow
def test_what_was_answered_survives_being_killed_and_the_rest_can_be_undone(data: Path) -> None:
    chance, kills, enough = random.Random(7), 5, 2000
    moments = sorted(chance.sample(range(50, enough - 500), kills))
    daemon = Daemon(data).wait_until_serving()
    load = Load(daemon, enough)

    async def kill_and_restart() -> Daemon:
        running = daemon
        async with trio.open_nursery() as nursery:
            nursery.start_soon(load.run)
            for moment in moments:
                await load.until(moment)
                await trio.sleep(chance.random() / 100)  # somewhere within a group
                running.kill()
                running = await trio.to_thread.run_sync(Daemon, data)
                await trio.to_thread.run_sync(running.wait_until_serving)
        return running

    last = trio.run(kill_and_restart)
    report = load.report
    assert last.stop() == 0
    assert report.ok, report.lines()
    assert (report.verified, report.differences) == (report.cards, [])
    assert report.answered >= enough
    assert report.dialled >= (kills + 1) * CONNECTIONS, "every kill cut every connection"
    assert prove(data).rows > enough / 2
