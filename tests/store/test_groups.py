"""The contract of every store, for groups: load exactly what is named, commit all of it or nothing."""

import pytest

from specs import limits
from specs.transaction import MessageClass
from switch.core.clock import MINUTE
from switch.core.holdings import AccountKind, system_account
from switch.core.journal import ProgrammeText, Tally
from switch.core.needs import Needs
from switch.core.workset import GUESS_MINUTES, Workset
from switch.store.port import StoreError
from tests.store.make import (
    MERCHANT_ID,
    NOW,
    TERMINAL_ID,
    account,
    batch,
    card,
    changes,
    desk,
    entry,
    merchant,
    need,
    row,
    seal,
    terminal,
    tombstone,
)
from tests.store.places import Place, Whole

KEY = (MessageClass.REQUEST, 7)


def keep(store: Whole, *records: object) -> None:
    """Commit a group as a daemon does: after a load."""
    store.load([], NOW)
    store.commit(changes(*records), None)


def load(store: Whole, *needs: Needs, now: int = NOW) -> Workset:
    workset = store.load(needs, now)
    store.rollback()
    return workset


@pytest.fixture
def store(place: Place) -> Whole:
    store = place.open()
    keep(store, merchant(), terminal())
    return store


def test_empty_books_give_an_empty_workset(place: Place) -> None:
    workset = load(place.open(), need(card_hash="hash1", rrn="626400000001", batch=1, keyed=KEY, search=0))
    assert workset.programme_version == 0
    for name in ("merchants", "terminals", "desks", "batches", "numbered", "earlier", "cards", "accounts", "by_rrn"):
        assert getattr(workset, name) == {}, name


def test_a_terminal_comes_by_both_ids_or_by_its_own_with_its_merchant(store: Whole) -> None:
    keep(store, merchant(2, "M2"), terminal(11, 2, "M2"), terminal(12, 2, "M2", terminal_id="T0000002"))
    assert load(store, need()).terminals == {(MERCHANT_ID, TERMINAL_ID): terminal()}
    both = load(store, need(merchant_id=""))
    assert both.terminals == {(MERCHANT_ID, TERMINAL_ID): terminal(), ("M2", TERMINAL_ID): terminal(11, 2, "M2")}
    assert both.terminal("", TERMINAL_ID) is None, "nobody guesses which of the two it is"
    one = load(store, need(merchant_id="", terminal_id="T0000002"))
    assert one.merchants == {"M2": merchant(2, "M2")}
    assert one.terminal("", "T0000002") == terminal(12, 2, "M2", terminal_id="T0000002")


def test_only_what_is_named_is_loaded(store: Whole) -> None:
    keep(store, card(100), account(100, 5, 1), card(200), account(200, 5, 1), desk(), desk(11), batch(50), row(7))
    workset = load(store, need(card_hash="hash200"))
    assert workset.cards == {200: card(200)}
    assert workset.card_ids == {"hash200": 200}
    assert workset.accounts == {200: account(200, 5, 1)}
    assert workset.desks == {(10, "main"): desk()}
    assert (workset.batches, workset.earlier, workset.recent, workset.by_rrn, workset.families) == ({}, {}, {}, {}, {})
    nothing = load(store)
    assert (nothing.terminals, nothing.merchants, nothing.cards) == ({}, {}, {})


def test_a_holder_comes_with_all_cards_and_accounts(store: Whole) -> None:
    """A replaced number and the new one open the same account."""
    old, new = card(100), card(101, 100)
    keep(store, old, new, account(100, 70, 3))
    for name in ("hash100", "hash101"):
        workset = load(store, need(card_hash=name))
        assert workset.cards == {100: old, 101: new}
        assert workset.card_ids == {"hash100": 100, "hash101": 101}
        assert workset.accounts == {100: account(100, 70, 3)}


def test_the_newest_version_of_a_record_replaces_the_one_before(store: Whole) -> None:
    keep(store, card(100), account(100), desk(), batch(50))
    second = (card(100, pin_tries=2, expires_at=NOW), account(100, 9, 1), desk(batch=50, last_number=1))
    keep(store, *second, batch(50, closed_at=NOW), merchant(name="Neu", stores=("a", "ü")), terminal(partial=True))
    workset = load(store, need(card_hash="hash100"))
    assert workset.cards[100] == second[0]
    assert workset.accounts[100] == second[1]
    assert workset.desks[10, "main"] == second[2]
    assert workset.batches == {50: batch(50, closed_at=NOW)}, "the open batch of a desk comes along"
    assert workset.merchants[MERCHANT_ID].stores == ("a", "ü")
    assert workset.terminals[MERCHANT_ID, TERMINAL_ID].partial is True


def test_a_batch_number_means_the_newest_batch_of_that_number(store: Whole) -> None:
    keep(store, batch(50), batch(51), batch(52, number=2), batch(53, application="loyalty"), batch(54, terminal=11))
    workset = load(store, need(batch=1))
    assert workset.numbered == {(10, "main", 1): batch(51)}
    assert workset.batches == {51: batch(51)}


def test_an_earlier_message_is_the_newest_with_the_same_key(store: Whole) -> None:
    keep(store, row(1, stan=7), row(2, stan=7, batch=50), batch(50), row(3, stan=7, terminal=11))
    keep(store, row(4, stan=7, application="loyalty"), row(5, stan=7, message_class=MessageClass.REVERSAL), row(6))
    workset = load(store, need(keyed=KEY))
    assert workset.earlier == {(10, "main", *KEY): row(2, stan=7, batch=50)}
    assert workset.batches == {50: batch(50)}, "a row comes with its batch"


def test_recent_rows_are_those_of_card_and_terminal_newest_first_up_to_the_limit(store: Whole) -> None:
    many = limits.UNDO_CANDIDATES + 3
    keep(store, *(row(number) for number in range(1, many + 1)))
    keep(store, row(900, terminal=11), row(901, card_hash="hash200"), row(902, application="loyalty"))
    workset = load(store, need(card_hash="hash100", search=0))
    found = workset.recent[10, "main", "hash100"]
    assert [one.id for one in found] == list(range(many, 4, -1)), "the row of another application counts as one"
    assert load(store, need(card_hash="hash100")).recent == {}, "only a message that undoes something searches"


def test_a_row_comes_with_its_whole_family_and_their_entries(store: Whole) -> None:
    keep(store, card(100), account(100, 60, 1), row(1, entries=(entry(-17, -60), entry(100, 60, 60, 1))))
    second = row(2, root=1, original=1, terminal=11, entries=(entry(-17, 10), entry(100, -10, 50, 2)))
    keep(store, account(100, 50, 2), second, row(3))
    workset = load(store, need(rrn=row(2).rrn))
    assert workset.by_rrn == {second.rrn: second}
    assert workset.families == {1: [row(1, entries=(entry(-17, -60), entry(100, 60, 60, 1))), second]}
    assert load(store, need(keyed=(MessageClass.REQUEST, 1))).families == workset.families


def test_a_reference_used_twice_means_the_newer_row(store: Whole) -> None:
    keep(store, row(1, rrn="626400000001"), row(2, rrn="626400000001"))
    assert load(store, need(rrn="626400000001")).by_rrn == {"626400000001": row(2, rrn="626400000001")}


def test_tombstones_count_until_they_expire_and_are_then_forgotten(store: Whole) -> None:
    keep(store, tombstone(1, NOW), tombstone(2, NOW + 1), tombstone(3, NOW + 2, terminal=11))
    assert load(store, need()).tombstones == {10: [tombstone(2, NOW + 1)]}
    assert not load(store, need(), now=NOW + 1).tombstones.get(10)
    assert store.forget(NOW) == 1
    assert load(store, need(), now=NOW - 1).tombstones == {10: [tombstone(2, NOW + 1)]}


def test_tallies_are_added_to_and_fall_out_of_the_window(store: Whole) -> None:
    minute = NOW // MINUTE
    inside, outside = minute - GUESS_MINUTES + 1, minute - GUESS_MINUTES
    scope = "r99001012@1/s1"
    keep(store, Tally("t10", minute, 1), Tally("t10", inside, 2), Tally("t10", outside, 4), Tally(scope, minute, 1))
    keep(store, Tally("t10", minute, 5), Tally("t10", minute, 1), Tally("t11", minute, 1))
    tallies = load(store, need(card_range="99001012")).tallies
    assert {scope: found for scope, found in tallies.items() if found} == {
        "t10": {minute: 7, inside: 2},
        scope: {minute: 1},
    }
    assert not any(load(store, need()).tallies.values()), "a message without a card asks for none"
    assert store.forget(NOW) == 1
    assert store.tallies() == [Tally(scope, minute, 1), Tally("t10", inside, 2), Tally("t10", minute, 7),
                               Tally("t11", minute, 1)]  # fmt: skip
    assert store.forget(NOW) == 0


def test_accounts_that_nobody_reads_are_only_added_to(store: Whole, place: Place) -> None:
    clearing = system_account(AccountKind.CLEARING, 1, "949")
    uncovered = system_account(AccountKind.UNCOVERED, 1, "949")
    keep(store, row(1, entries=(entry(clearing, -60),)), row(2, entries=(entry(clearing, 10), entry(uncovered, -1))))
    keep(store, row(3, entries=(entry(clearing, 8),)))
    kept = {one.id: (one.kind, one.holder, one.currency, one.balance) for one in place.reader().accounts()}
    assert kept == {
        clearing: (AccountKind.CLEARING, 0, "949", -42),
        uncovered: (AccountKind.UNCOVERED, 0, "949", -1),
    }


def test_the_programme_version_is_that_of_the_newest(store: Whole) -> None:
    assert store.programme() is None
    keep(store, ProgrammeText(1, "first", NOW))
    keep(store, ProgrammeText(2, "second", NOW))
    assert store.programme() == ProgrammeText(2, "second", NOW)
    assert load(store).programme_version == 2


def test_a_rollback_leaves_nothing_and_the_store_goes_on(store: Whole) -> None:
    store.rollback()
    store.load([need()], NOW)
    store.rollback()
    store.rollback()
    keep(store, card(100), account(100))
    assert load(store, need(card_hash="hash100")).cards == {100: card(100)}


def test_the_last_seal_is_that_of_the_daemon(store: Whole, place: Place) -> None:
    assert store.last_seal("main") is None
    for one in (seal("main", 1), seal("other", 9), seal("main", 2), seal("main", 10)):
        store.load([], NOW)
        store.commit(changes(row(one.number * 7 + len(one.daemon))), one)
    assert store.last_seal("main") == seal("main", 10)
    assert list(place.reader().seals()) == [seal("main", 1), seal("main", 2), seal("main", 10), seal("other", 9)]


def test_a_group_that_breaks_half_way_leaves_nothing(sql_place: Place) -> None:
    store = sql_place.open()
    keep(store, merchant(), terminal(), card(100), account(100), row(1))
    store.load([need(card_hash="hash100")], NOW)
    with pytest.raises(StoreError):
        store.commit(changes(desk(), card(100, pin_tries=1), account(100, 5, 1), row(2), row(1)), seal())
    store.rollback()
    workset = load(store, need(card_hash="hash100"))
    assert (workset.desks, workset.cards, workset.accounts) == ({}, {100: card(100)}, {100: account(100)})
    assert (list(sql_place.reader().rows()), store.last_seal("main")) == ([row(1)], None)
