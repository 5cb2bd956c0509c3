"""The order of the journey (`switch/service.py`): who is decided with whom, what is delivered, what is told to whom."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from specs.outcomes import Outcome
from specs.sensitive import PAN
from specs.transaction import Kind, Line, MessageClass, Reply, Request
from switch.core.commands import ActivateCard, PutTerminal, SetBlock
from switch.core.holdings import Block
from switch.core.merchants import Right, Terminal
from switch.store.port import Lost, Unavailable
from tests.core.till import LIRA
from tests.simulation.stage import Stage, stage


def request(terminal: int, stan: int, pan: str, amount: int = 10, nii: str = "010") -> Request:
    return Request(
        MessageClass.REQUEST,
        Kind.GIFT_REDEEM,
        Line("test"),
        merchant_id="A",
        terminal_id=f"T{terminal:07d}",
        stan=stan,
        nii=nii,
        card=PAN(pan),
        amount=amount,
    )


def offer(on: Stage, said: Sequence[Request]) -> list[tuple[int, Outcome | None]]:
    """Offer all at once; the list fills as answers are delivered: STAN and outcome (None: too late)."""
    heard: list[tuple[int, Outcome | None]] = []
    for one in said:

        def deliver(reply: Reply | None, stan: int = one.stan) -> None:
            heard.append((stan, reply.outcome if reply else None))

        assert on.service.offer(one, deliver)
    return heard


async def test_a_group_holds_at_most_one_message_of_a_terminal_in_the_order_of_arrival(
    autojump_clock: MockClock,
) -> None:
    groups: list[list[int]] = []

    def log(answered: Sequence[tuple[Request, Reply, float]]) -> None:
        groups.append([one.stan for one, _, _ in answered])

    async with stage(deciding=False, log=log) as on:
        pan = on.card(1000)
        heard = offer(on, [request(terminal, stan, pan) for stan, terminal in enumerate((1, 1, 2, 1, 3, 2), 1)])
        on.decide()
        await trio.testing.wait_all_tasks_blocked()
        assert groups == [[1, 3, 5], [2, 6], [4]]
        assert heard == [(stan, Outcome.APPROVED) for stan in (1, 3, 5, 2, 6, 4)]
        assert on.count("group_requests_sum") == 6
        assert on.count("group_requests_count") == 3


async def test_commands_wait_their_turn_among_the_messages_and_are_decided_in_order(autojump_clock: MockClock) -> None:
    async with stage() as on:
        pan, card_hash = on.card(1000), ""
        card_hash = on.vault.card_hash(PAN(pan)).hex()
        terminal = Terminal(0, 0, "A", "T0000001", "north", LIRA, rights=tuple(Right), partial=True)
        replies = await on.service.submit(
            [SetBlock(card_hash, Block.LOST), PutTerminal(terminal), ActivateCard(card_hash, "A", 5)]
        )
        assert [reply.outcome for reply in replies] == [Outcome.APPROVED, Outcome.APPROVED, Outcome.UNKNOWN_CARD]
        heard = offer(on, [request(1, 1, pan)])
        await trio.testing.wait_all_tasks_blocked()
        assert heard == [(1, Outcome.CARD_LOST)]
        assert await on.service.submit([]) == []


async def test_operators_wait_as_long_as_it_takes_and_terminals_do_not(autojump_clock: MockClock) -> None:
    async with stage(answer_seconds=1) as on:
        pan = on.card(1000)
        on.store.fail([Unavailable("the disk is full")] * 6)
        heard = offer(on, [request(1, 1, pan)])
        (reply,) = await on.service.submit([SetBlock("nobody", Block.LOST)])
        assert reply.outcome is Outcome.UNKNOWN_CARD
        assert heard == [(1, None)]
        assert on.balance(pan) == 990, "decided and booked; the repeat will fetch it"


async def test_the_door_is_closed_while_the_queue_is_full(autojump_clock: MockClock) -> None:
    async with stage(deciding=False, queue_max=2) as on:
        pan = on.card(1000)
        offer(on, [request(1, 1, pan), request(2, 1, pan)])
        assert not on.service.offer(request(3, 1, pan), lambda reply: None)
        on.decide()
        await trio.testing.wait_all_tasks_blocked()
        assert on.service.offer(request(3, 1, pan), lambda reply: None)


async def test_a_group_under_way_is_finished_and_answered_when_the_service_ends(autojump_clock: MockClock) -> None:
    async with stage(deciding=False) as on:
        pan = on.card(1000)
        heard = offer(on, [request(1, 1, pan), request(1, 2, pan)])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(on.service.run)
            while not heard:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        booked = (1000 - on.balance(pan)) // 10
        assert len(heard) == booked, "as many are answered as are booked"


async def test_a_lost_store_ends_the_service_and_nothing_is_answered(autojump_clock: MockClock) -> None:
    with pytest.RaisesGroup(Lost, flatten_subgroups=True):
        async with stage() as on:
            pan = on.card(1000)
            on.store.fail([Lost("nobody knows")])
            heard = offer(on, [request(1, 1, pan)])
            await trio.testing.wait_all_tasks_blocked()
    assert heard == []


async def test_time_never_stands_still_or_goes_back_between_groups(autojump_clock: MockClock) -> None:
    async with stage() as on:
        pan = on.card(1000)
        for stan in range(1, 4):
            offer(on, [request(terminal, stan, pan, 1) for terminal in (1, 2, 3)])
            await trio.testing.wait_all_tasks_blocked()
        decided = [row.decided_at for row in on.store.rows() if row.terminal]
        assert decided == sorted(set(decided))


async def test_messages_of_an_application_of_its_own_have_batches_of_their_own(autojump_clock: MockClock) -> None:
    async with stage() as on:
        on.service._applications = {"090": "loyalty"}
        pan = on.card(1000)
        offer(on, [request(1, 1, pan), request(2, 1, pan, nii="090"), request(3, 1, pan, nii="777")])
        await trio.testing.wait_all_tasks_blocked()
        assert [row.application for row in on.store.rows() if row.terminal] == ["main", "loyalty", "main"]


async def test_tidying_forgets_what_has_outlived_its_use(autojump_clock: MockClock) -> None:
    async with stage() as on:
        offer(on, [request(1, 1, "9900100000000009999")])
        await trio.testing.wait_all_tasks_blocked()
        assert len(on.store.tallies()) == 2
        await on.service.tidy()
        assert len(on.store.tallies()) == 2
        await trio.sleep(12 * 60)
        await on.service.tidy()
        assert on.store.tallies() == []
