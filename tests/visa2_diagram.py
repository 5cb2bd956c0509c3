"""Draws the table of the VISA-2 link into the documentation: `python -m tests.visa2_diagram` renews it."""

import re
from collections import defaultdict
from pathlib import Path

from terminals.visa2_states import TABLE, Action, State

DOCUMENT = Path(__file__).parent.parent / "specs/VISA2.md"
_PLACE = re.compile(r"(```mermaid\n).*?(```)", re.DOTALL)


def diagram() -> str:
    """A state diagram; signals that lead the same way by the same action share an arrow."""
    arrows: defaultdict[tuple[State, State, Action], list[str]] = defaultdict(list)
    for state, row in TABLE.items():
        for signal, (action, after) in row.items():
            arrows[state, after, action].append(signal.value)
    lines = ["stateDiagram-v2", f"    [*] --> {State.POLLING.name}: send ENQ"]
    for (state, after, action), signals in arrows.items():
        done = "" if action is Action.NOTHING else f" / {action.value}"
        lines.append(f"    {state.name} --> {after.name}: {', '.join(signals)}{done}")
    return "\n".join([*lines, f"    {State.ENDED.name} --> [*]", ""])


def renewed(text: str) -> str:
    return _PLACE.sub(lambda found: found[1] + diagram() + found[2], text)


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text("utf-8")), "utf-8")
