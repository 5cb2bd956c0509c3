"""The outbox of the webhooks, in every store: what is due is given out once, and again if nothing is heard of it."""

from switch.core.clock import DAY
from switch.core.deliveries import Delivery
from tests.store.make import NOW, changes
from tests.store.places import Place, PostgreSQLPlace, Whole


def delivery(number: int, webhook: str = "alarms", due_at: int = NOW) -> Delivery:
    return Delivery(f"{number}.0", webhook, "tamper", '{"id":"ü"}', NOW + number, due_at)


def filled(place: Place, *deliveries: Delivery) -> Whole:
    store = place.open()
    store.load([], NOW)
    store.commit(changes(*deliveries), None)
    return store


def claimed(store: Whole, now: int, limit: int = 10, webhook: str = "alarms") -> list[str]:
    return [one.id for one in store.claim_deliveries(webhook, now, now + 100, limit)]


def test_what_is_due_is_given_in_order_and_only_once(place: Place) -> None:
    store = filled(
        place, *(delivery(number) for number in (3, 1, 2)), delivery(4, due_at=NOW + 50), delivery(1, "other")
    )
    assert claimed(store, NOW - 1) == []
    assert claimed(store, NOW, limit=2) == ["1.0", "2.0"]
    assert claimed(store, NOW) == ["3.0"]
    assert claimed(store, NOW) == []
    assert claimed(store, NOW + 50) == ["4.0"]
    assert claimed(store, NOW, webhook="other") == ["1.0"]


def test_what_is_claimed_comes_again_if_nothing_is_heard_of_it(place: Place) -> None:
    store = filled(place, delivery(1))
    (first,) = store.claim_deliveries("alarms", NOW, NOW + 100, 1)
    (again,) = store.claim_deliveries("alarms", NOW + 100, NOW + 200, 1)
    assert (first.attempts, again.attempts) == (1, 2)
    assert (again.id, again.body, again.created_at) == (first.id, first.body, first.created_at)


def test_what_is_delivered_is_gone_and_what_is_not_comes_later(place: Place) -> None:
    store = filled(place, delivery(1), delivery(2), delivery(1, "other"))
    assert store.count_deliveries("alarms") == (2, NOW + 1)
    claimed(store, NOW)
    store.settle_deliveries("alarms", ["1.0", "unknown"], [("2.0", NOW + 7), ("unknown", NOW)])
    assert claimed(store, NOW + 6) == []
    assert claimed(store, NOW + 7) == ["2.0"]
    assert store.count_deliveries("alarms") == (1, NOW + 2)
    assert store.count_deliveries("other") == (1, NOW + 1)
    assert store.count_deliveries("nobody") == (0, 0)


def test_what_belongs_to_no_webhook_any_more_is_forgotten_in_the_end(place: Place) -> None:
    store = filled(place, delivery(1, "gone"))
    assert store.forget(NOW + 8 * DAY) == 0
    assert store.forget(NOW + 8 * DAY + 1) == 1
    assert store.count_deliveries("gone") == (0, 0)


def test_two_daemons_do_not_send_the_same(postgresql: PostgreSQLPlace) -> None:
    one = filled(postgresql, *(delivery(number) for number in range(1, 7)))
    other = postgresql.open()
    both = claimed(one, NOW, limit=3) + claimed(other, NOW, limit=3)
    assert sorted(both) == [f"{number}.0" for number in range(1, 7)]
