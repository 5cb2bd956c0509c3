"""What a listener may choose about its VISA-2 links: timers and counts, and how long nothing may happen in a state."""

import msgspec

from specs import limits
from terminals.visa2_states import State


class LinkSettings(msgspec.Struct, frozen=True):
    """What a listener may choose. With these a line that is silent in any state but FREE is gone in a minute."""

    poll_seconds: float = limits.VISA2_POLL_SECONDS
    character_seconds: float = limits.VISA2_CHARACTER_SECONDS
    frame_seconds: float = limits.FRAME_SECONDS
    repeat_seconds: float = limits.VISA2_REPEAT_SECONDS
    capture_seconds: float = limits.VISA2_CAPTURE_SECONDS
    decide_seconds: float = limits.VISA2_DECIDE_SECONDS
    acknowledge_seconds: float = limits.VISA2_ACKNOWLEDGE_SECONDS
    confirm_seconds: float = limits.CONFIRM_SECONDS
    idle_seconds: float = limits.IDLE_SECONDS
    polls_max: int = limits.VISA2_POLLS_MAX
    refusals_max: int = limits.VISA2_REFUSALS_MAX
    sendings_max: int = limits.VISA2_SENDINGS_MAX
    acknowledge: bool = False  # say ACK to a good request before its response
    frame_bytes_max: int = limits.FRAME_BYTES_MAX

    def patience(self, state: State) -> float:
        """How long nothing may happen in a state."""
        match state:
            case State.POLLING:
                return self.poll_seconds
            case State.REPEATING:
                return self.repeat_seconds
            case State.DECIDING_LAST | State.DECIDING_MORE | State.CONFIRMING_LAST | State.CONFIRMING_MORE:
                return self.decide_seconds
            case State.ANSWERED_LAST | State.ANSWERED_MORE | State.UNCONFIRMED_LAST | State.UNCONFIRMED_MORE:
                return self.acknowledge_seconds
            case State.CAPTURING:
                return self.capture_seconds
            case State.FREE:
                return self.idle_seconds
            case State.ENDED:
                return float("inf")
