"""How a VISA-2 terminal speaks, where the contract leaves it a choice, and what may go wrong on its line on purpose."""

from typing import Literal

import msgspec

Record = Literal["D", "T", "J"]
Parity = Literal["none", "even"]
Damage = Literal["", "request", "response", "acknowledgement", "confirmation"]

ONE, SEVERAL, INTERLEAVED = "0", "2", "4"  # application types of requests
ONE_BATCH, SEVERAL_BATCHES = "1", "3"


class Manner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`record` is T where the answer is confirmed, J of the generation before; `type` is the application type.

    Without a `type` requests are of type 4 on a line that stays, else of type 0, and batches of type 1.
    """

    record: Record = "D"
    type: Literal[0, 1, 2, 3, 4] | None = None
    parity: Parity = "none"

    def of_requests(self, *, persistent: bool) -> str:
        chosen = str(self.type)
        return chosen if chosen in (ONE, SEVERAL, INTERLEAVED) else INTERLEAVED if persistent else ONE

    @property
    def of_batches(self) -> str:
        return SEVERAL_BATCHES if str(self.type) == SEVERAL_BATCHES else ONE_BATCH
