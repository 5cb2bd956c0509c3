"""What is still to be told to somebody outside: the outbox of the webhooks."""

import msgspec


class Delivery(msgspec.Struct, frozen=True):
    """One event for one webhook; gone when it has been delivered. `id` is the event's, the same for all webhooks."""

    id: str
    webhook: str
    event: str
    body: str  # JSON, as it is signed and sent
    created_at: int
    due_at: int
    attempts: int = 0
