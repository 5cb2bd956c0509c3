"""Where a terminal keeps its journal: one file for each terminal and NII, in a folder beside demo.json."""

from urllib.parse import quote

from simulators.demo import Demo, DemoError, DemoTerminal
from simulators.journal import Journal
from simulators.locked_file import LockedFile

FOLDER = "tillsim-journals"


class JournalFile(LockedFile[Journal]):
    """One journal for each NII: it chooses the application, and a terminal has one batch per application."""

    def __init__(self, demo: Demo, who: DemoTerminal) -> None:
        folder = demo.path.with_name(FOLDER)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DemoError(f"{folder} cannot be made: {error.strerror}; copy demo.json where you may") from None
        self._number_max = who.batch_number_max
        name = quote(f"{who.merchant_id}-{who.terminal_id}-{who.nii}", safe="")
        super().__init__(folder / f"{name}.json", Journal, Journal)

    def read(self) -> Journal:
        journal = super().read()
        journal.number_max = self._number_max
        return journal
