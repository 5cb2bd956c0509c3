"""As after a power cut: the files as they lie on the disk at some moment, and the WAL torn behind what was synced.

Whatever a commit that was answered has written is synced; of what came after, anything may be missing or garbage.
"""

import json
import random
import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from switch.store.open import open_reader, open_store
from tests.crash.daemon import Daemon, prove
from tests.crash.traffic import Load

IMAGES, TEARS = 6, 5
FRAMES_AHEAD = 60  # what an image holds beyond the commits that must be there: two or three groups


class Image(NamedTuple):
    folder: Path
    answered: set[str]  # references of what was approved before
    synced: int  # bytes of the WAL that no power cut can take


class Moment(NamedTuple):
    """Where the files stood. A checkpoint writes to the books; afterwards the WAL begins anew, with another salt."""

    salt: bytes
    written_at: int
    end: int


@pytest.mark.slow
def test_an_image_of_the_disk_holds_all_that_was_answered_however_its_end_is_torn(data: Path, tmp_path: Path) -> None:
    daemon = Daemon(data).wait_until_serving()
    chance, enough = random.Random(11), 2000
    load = Load(daemon, enough)
    images: list[Image] = []

    async def take_images() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(load.run)
            for number, moment in enumerate(sorted(chance.sample(range(100, enough - 500), IMAGES))):
                await load.until(moment)
                images.append(await trio.to_thread.run_sync(take_image, daemon, tmp_path / f"image{number}"))

    trio.run(take_images)
    assert daemon.stop() == 0
    assert load.report.ok, load.report.lines()
    assert all(image.answered for image in images)
    for image in images:
        for _ in range(TEARS):
            torn = shutil.copytree(image.folder, tmp_path / "torn")
            tear(torn / "books.db-wal", image.synced, chance)
            check(data, torn, image.answered)
            shutil.rmtree(torn)
        check(data, image.folder, image.answered)


def take_image(daemon: Daemon, image: Path) -> Image:
    """Copy the books and then the WAL, both of one moment: no checkpoint in between."""
    books, wal = daemon.folder / "books.db", daemon.folder / "books.db-wal"
    image.mkdir()
    while True:
        answered, before = approved(daemon), look(books, wal)
        while (now := look(books, wal)).end < before.end + FRAMES_AHEAD * 4096 and now.salt == before.salt:
            time.sleep(0.001)
        shutil.copy(books, image)
        shutil.copy(wal, image)
        after = look(books, image / wal.name)
        if (after.salt, after.written_at) == (before.salt, before.written_at):
            return Image(image, answered, before.end)


def approved(daemon: Daemon) -> set[str]:
    """The references of approved requests; the log has them after the answers are on their way."""
    lines = [json.loads(line) for line in list(daemon.lines) if '"transaction"' in line]
    return {line["rrn"] for line in lines if line["outcome"] == "approved" and line["message"] == "request"}


def look(books: Path, wal: Path) -> Moment:
    """The end is that of the last commit: behind it lies what is under way, or what an older WAL has left."""
    data = wal.read_bytes()
    salt, page, end = data[16:24], int.from_bytes(data[8:12]), 32
    for start in range(32, len(data) - 24 - page + 1, 24 + page):
        if data[start + 8 : start + 16] != salt:
            break
        if data[start + 4 : start + 8] != bytes(4):
            end = start + 24 + page
    return Moment(salt, books.stat().st_mtime_ns, end)


def tear(wal: Path, synced: int, chance: random.Random) -> None:
    """Cut the WAL off somewhere, or leave garbage in it, as blocks that never reached the disk do."""
    size = wal.stat().st_size
    with open(wal, "r+b") as file:
        if chance.random() < 0.5:
            file.truncate(chance.randint(synced, size))
            return
        for _ in range(3):
            file.seek(chance.randint(synced, size))
            file.write(chance.choice([bytes(512), chance.randbytes(512)]))


def check(data: Path, image: Path, answered: set[str]) -> None:
    """A daemon can open it, the audit finds nothing, and nothing answered is missing."""
    url = f"sqlite:///{image}/books.db"
    with closing(open_store(url)) as store:
        assert store.programme() is not None
    prove(data, url)
    with closing(open_reader(url)) as reader:
        assert answered <= {row.rrn for row in reader.rows()}
