"""Group III of VISA-2 records: blocks of a version number and a body (WIRE-VISA2.md section 3, reference 2.8)."""

import re
from collections.abc import Mapping
from typing import Final

from specs.visa2 import BLOCK_FORMS

FS: Final = "\x1c"
GS: Final = "\x1d"


def parse_blocks(text: str) -> dict[str, str]:
    """Body by version; blocks whose version nobody here knows are kept, and mean nothing.

    Raises:
        ValueError: what stands there are no blocks, or one of ours has another form.
    """
    blocks: dict[str, str] = {}
    for piece in text.split(GS) if text else ():
        if not piece:  # some terminals put a separator before the first block, or behind the last
            continue
        version, body = piece[:3], piece[3:]
        if not re.fullmatch("[0-9]{3}", version) or not re.fullmatch("[ -~\x1c]*", body):
            raise ValueError
        if not re.fullmatch(BLOCK_FORMS.get(version, "(?s:.*)"), body):
            raise ValueError
        blocks[version] = body
    return blocks


def write_blocks(bodies: Mapping[str, str]) -> str:
    """In order of their versions."""
    return GS.join(version + bodies[version] for version in sorted(bodies))
