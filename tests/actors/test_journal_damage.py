"""P-7: a journal cut short or with bits flipped, at seeded places: the notebook opens, keeps what is whole, and says
what is lost.

The seed is printed with each failure; GANIMEDE_DAMAGE_SEED=n runs that one alone, GANIMEDE_FULL=1 every byte.
Damaged bytes reach pycrdt in a forked child only.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path

import msgspec
import pytest
from pycrdt import Doc, Map

from actors.boot import OpenNotebook, open_notebook, state_folder
from actors.disk import digest
from protocol.document import Document
from protocol.guard import Limits
from protocol.messages.shared import Entry
from protocol.notebook_file import dump
from protocol.true_copy import TrueCopy
from protocol.values import CellValue, NotebookValue
from tests.protocol.test_guard_fuzz import in_child

FULL = bool(os.environ.get("GANIMEDE_FULL"))
ONE = os.environ.get("GANIMEDE_DAMAGE_SEED")
SEEDS = [int(ONE)] if ONE else list(range(300))
NOTEBOOK = NotebookValue(cells=tuple(CellValue(id=id_, type="code", source="#") for id_ in "abc"))
JOURNAL, LOG, INDEX = "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"
# What lies around an update's bytes in its record: lengths, row number and header before, checksum and counter after.
MARGIN = 24
QUEUE = (Entry("run-1", "a", "x = 1", "me", begun=True), Entry("run-0", "b", "x = 0", "me", offered=True))


class Case(msgspec.Struct):
    """The files of a journal, and what it holds. ``updates``: marker to update; ``after``: marker to the one that it
    builds upon. ``base``: what all builds upon cannot be made again from the notebook's file."""

    files: dict[str, bytes]
    notebook: bytes
    updates: dict[str, bytes]
    after: dict[str, str]
    snapshot: bytes
    base: bool


class Editor:
    """Edits that build upon nothing but ``base``, or in a chain each upon the one before."""

    def __init__(self, base: bytes, client: int) -> None:
        self.doc: Doc = Doc(client_id=client)
        self.doc.apply_update(base)

    def write(self, text: str) -> bytes:
        before = self.doc.get_state()
        self.doc.get("abc"[len(text) % 3], type=Map)["source"].insert(0, text)
        return self.doc.get_update(before)


def filler(seed: int, length: int) -> str:
    """Text of which every piece can be found again in the files."""
    return random.Random(seed).randbytes(length).hex()[:length]


def edits(base: bytes) -> tuple[dict[str, bytes], dict[str, str]]:
    updates, after = {}, {}
    for n in range(30):
        marker = f"<one {n}>"
        updates[marker] = Editor(base, 1000 + n).write(marker + filler(n, 9000 if n % 10 == 9 else n % 7 * 20))
    chain, before = Editor(base, 5000), ""
    for n in range(6):
        marker = f"<chain {n}>"
        updates[marker] = chain.write(marker)
        if before:
            after[marker] = before
        before = marker
    return updates, after


def record(notebook: OpenNotebook, updates: dict[str, bytes]) -> None:
    for n, update in enumerate(updates.values()):
        notebook.journal.append((update,), QUEUE if n % 9 == 0 else None, content=True)


def files_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (JOURNAL, LOG, INDEX) if (folder / name).exists()}


def closed(folder: Path) -> Case:
    """As a clean stop leaves it, never compacted."""
    path = folder / "x.ipynb"
    path.write_bytes(dump(NOTEBOOK))
    notebook = open_notebook(path, folder / "state", "e1")
    [base] = notebook.journal.replay().updates
    updates, after = edits(base)
    record(notebook, updates)
    notebook.close()
    return Case(files_of(notebook.folder), dump(NOTEBOOK), updates, after, base, base=False)


def killed(folder: Path) -> Case:
    """As ``kill -9`` leaves it, all of it still in the log."""
    path = folder / "x.ipynb"
    path.write_bytes(dump(NOTEBOOK))
    notebook = open_notebook(path, folder / "state", "e1")
    [base] = notebook.journal.replay().updates
    updates, after = edits(base)
    record(notebook, updates)
    case = Case(files_of(notebook.folder), dump(NOTEBOOK), updates, after, base, base=False)
    notebook.close()
    return case


def compacted(folder: Path) -> Case:
    """Compacted and saved, then killed: the database and the log each hold a part."""
    path = folder / "x.ipynb"
    path.write_bytes(dump(NOTEBOOK))
    notebook = open_notebook(path, folder / "state", "e1")
    document = Document(notebook.journal.replay().updates, 7)
    snapshot = document.diff(b"\0")
    before = Editor(snapshot, 9)
    notebook.journal.append((before.write("<before>" + filler(99, 12000)),), None, content=True)
    snapshot = before.doc.get_update()
    notebook.journal.store_snapshot(snapshot, (), content=False)
    saved = dump(Document((snapshot,), 8).value())
    path.write_bytes(saved)
    notebook.journal.set_meta(file_hash=digest(saved), saving_hash=digest(saved), saved_content=1)
    notebook.journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    updates, after = edits(snapshot)
    record(notebook, updates)
    case = Case(files_of(notebook.folder), saved, updates, after, snapshot, base=True)
    notebook.close()
    return case


CASES: dict[str, Callable[[Path], Case]] = {"closed": closed, "killed": killed, "compacted": compacted}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in CASES.items()}


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that costs no waiting for a disk, where there is one: the journals here sync thousands of times."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)


class Harm(msgspec.Struct, frozen=True):
    """Bytes ``start`` to ``stop`` of ``file`` are damaged (``bit`` flipped at ``start``, or all gone)."""

    case: str
    file: str
    start: int
    stop: int
    bit: int | None

    def done_to(self, data: bytes) -> bytes:
        if self.bit is None:
            return data[: self.start]
        return data[: self.start] + bytes((data[self.start] ^ 1 << self.bit,)) + data[self.start + 1 :]


def harm(seed: int, cases: dict[str, Case]) -> Harm:
    chance = random.Random(seed)
    name = chance.choice(sorted(cases))
    files = {file: data for file, data in cases[name].files.items() if file != INDEX and data}
    file = chance.choices(list(files), [len(data) for data in files.values()])[0]
    at = chance.randrange(len(files[file]))
    if chance.random() < 0.4:
        return Harm(name, file, at, len(files[file]), None)
    if chance.random() < 0.2:  # where pages, frames and the file itself begin, little says much
        at = min(at // 4096 * 4096 + chance.randrange(120), len(files[file]) - 1)
    return Harm(name, file, at, at + 1, chance.randrange(8))


def whole(case: Case, harm: Harm, update: bytes) -> bool:
    """Whether the record of ``update`` can be read somewhere: all of a small one lies in one piece; of a large one
    some piece must have been hit for it to be excused."""
    pieces = [update] if len(update) < 3000 else [update[at : at + 200] for at in range(0, len(update), 400)]
    margin = MARGIN if len(pieces) == 1 else 4096
    for piece in pieces:
        places = [(file, at) for file, data in case.files.items() for at in occurrences(data, piece)]
        hit = [
            file == harm.file and at - margin < harm.stop and harm.start < at + len(piece) + margin
            for file, at in places
        ]
        if all(hit) if len(pieces) == 1 else any(hit):
            return False
    return True


def occurrences(data: bytes, piece: bytes) -> Iterator[int]:
    at = data.find(piece)
    while at >= 0:
        yield at
        at = data.find(piece, at + 1)


def expected(case: Case, harm: Harm) -> set[str]:
    """The markers that must be there."""
    if case.base and not whole(case, harm, case.snapshot):
        return set()
    kept = {marker for marker, update in case.updates.items() if whole(case, harm, update)}
    while lost := {marker for marker in kept if marker in case.after and case.after[marker] not in kept}:
        kept -= lost
    return kept


def check(folder: Path, case: Case, harm: Harm) -> None:
    path, state = folder / "x.ipynb", folder / "state"
    path.write_bytes(case.notebook)
    home = state_folder(state, path)
    home.mkdir(parents=True)
    (home / "notebook-path").write_bytes(os.fsencode(path.resolve()))
    for file, data in case.files.items():
        (home / file).write_bytes(harm.done_to(data) if file == harm.file else data)
    with closing(open_notebook(path, state, "e2")) as notebook:
        text, said = text_of(notebook)
        missing = {marker for marker in expected(case, harm) if marker not in text}
        assert not missing, f"whole, and not kept: {sorted(missing)}; said: {said}"
        lost = [marker for marker in case.updates if marker not in text]
        assert not lost or said, f"lost without a word: {lost}"
        notebook.journal.append((), QUEUE, content=True)
    with closing(open_notebook(path, state, "e3")) as notebook:  # from now on it is a journal like any other
        again, _ = text_of(notebook)
        assert again == text
        assert notebook.old_queue == QUEUE


def text_of(notebook: OpenNotebook) -> tuple[str, list[str]]:
    """The document's text, and what people are told."""
    replayed = notebook.journal.replay()
    copy = TrueCopy(Limits())
    left_out = copy.build(replayed.updates, 77)
    said = [notice.message for notice in notebook.notices]
    if replayed.damaged or left_out:
        said.append(f"{replayed.damaged} damaged, {left_out} left out")
    return "".join(cell.source for cell in copy.doc.value().cells), said


def run(cases: dict[str, Case], harms: Sequence[Harm], folder: Path) -> str:
    """The first harm that the journal does not bear, in a child."""

    def work() -> None:
        for n, each in enumerate(harms):
            place = folder / str(n)
            place.mkdir()
            try:
                check(place, cases[each.case], each)
            except BaseException as error:
                raise AssertionError(f"{each}: {type(error).__name__}: {error}") from error
            shutil.rmtree(place)

    return in_child(work)


def test_nothing_is_found_wrong_with_a_journal_that_is_whole(cases: dict[str, Case], tmp_path: Path) -> None:
    for name in cases:
        unharmed = Harm(name, "nothing", 0, 0, 0)
        (tmp_path / name).mkdir()
        path = tmp_path / name / "x.ipynb"
        path.write_bytes(cases[name].notebook)
        home = state_folder(tmp_path / name, path)
        home.mkdir(parents=True)
        for file, data in cases[name].files.items():
            (home / file).write_bytes(data)
        with closing(open_notebook(path, tmp_path / name, "e2")) as notebook:
            text, said = text_of(notebook)
            assert said == []
            assert all(marker in text for marker in cases[name].updates)
            assert notebook.epoch == "e1"
            assert expected(cases[name], unharmed) == set(cases[name].updates)


@pytest.mark.parametrize("part", range(15))
def test_damage_at_seeded_places_costs_what_it_hit_and_is_told(
    cases: dict[str, Case], memory: Path, part: int
) -> None:
    seeds = SEEDS[part::15]
    harms = [harm(seed, cases) for seed in seeds]
    report = run(cases, harms, memory)
    if report:
        for seed, each in zip(seeds, harms, strict=True):
            alone = memory / f"alone-{seed}"
            alone.mkdir()
            if report := run(cases, [each], alone):
                pytest.fail(f"GANIMEDE_DAMAGE_SEED={seed}: {report}")
    assert not report


@pytest.mark.parametrize("left", [1, 16, 31])
@pytest.mark.parametrize("name", ["killed", "compacted"])
def test_of_a_log_less_than_its_head_is_left_and_that_is_told(
    cases: dict[str, Case], memory: Path, name: str, left: int
) -> None:
    assert not run(cases, [Harm(name, LOG, left, len(cases[name].files[LOG]), None)], memory)


def test_a_schema_that_is_no_text_any_more_is_a_damaged_journal_like_another(
    cases: dict[str, Case], memory: Path
) -> None:
    """SQLite quotes it in its complaint, which cannot be decoded then."""
    at = cases["closed"].files[JOURNAL].index(b"CREATE TABLE")
    harms = [Harm("closed", JOURNAL, place, place + 1, 7) for place in range(at, at + 30, 5)]
    assert not run(cases, harms, memory)


def leaves(data: bytes) -> Iterator[int]:
    """Where the pages that hold more than one record begin."""
    for at in range(4096, len(data), 4096):
        if data[at] in (0x0A, 0x0D) and int.from_bytes(data[at + 3 : at + 5], "big") > 1:
            yield at


def test_a_leaf_that_one_bit_makes_a_branch_is_read_all_the_same(cases: dict[str, Case], memory: Path) -> None:
    places = leaves(cases["closed"].files[JOURNAL])
    harms = [Harm("closed", JOURNAL, at, at + 1, 3) for at in places]
    assert harms
    assert not run(cases, harms, memory)


def test_a_leaf_that_says_it_holds_fewer_records_keeps_them_all(cases: dict[str, Case], memory: Path) -> None:
    data = cases["closed"].files[JOURNAL]
    harms = [
        Harm("closed", JOURNAL, at + 4, at + 5, bit)
        for at in leaves(data)
        for bit in range(8)
        if data[at + 4] >> bit & 1
    ]
    assert harms
    assert not run(cases, harms, memory)


def test_a_leaf_that_names_one_place_twice_keeps_what_is_at_the_other(
    cases: dict[str, Case], memory: Path
) -> None:
    data = cases["closed"].files[JOURNAL]
    harms = []
    for at in leaves(data):
        count = int.from_bytes(data[at + 3 : at + 5], "big")
        fields = [at + 8 + 2 * n for n in range(count)]
        named = {data[field : field + 2] for field in fields}
        for field, place, bit in product(fields, range(2), range(8)):
            flipped = bytearray(data[field : field + 2])
            flipped[place] ^= 1 << bit
            if bytes(flipped) in named:
                harms.append(Harm("closed", JOURNAL, field + place, field + place + 1, bit))
    assert harms
    assert not run(cases, harms, memory)


@pytest.mark.parametrize("name", ["killed", "compacted"])
def test_a_frame_that_one_bit_makes_one_of_no_page_is_read_all_the_same(
    cases: dict[str, Case], memory: Path, name: str
) -> None:
    data = cases[name].files[LOG]
    numbers = [(at, int.from_bytes(data[at : at + 4], "big")) for at in range(32, len(data) - 4000, 4120)]
    harms = [
        Harm(name, LOG, at + 3, at + 4, page.bit_length() - 1) for at, page in numbers if page in (1, 2, 4, 8, 16)
    ]
    assert harms
    assert not run(cases, harms, memory)


def everywhere(case: str, data: dict[str, bytes]) -> Iterator[Harm]:
    """Every bit of what has a meaning of its own: heads of files, frames and pages. Of other bytes one bit each, by
    turns (inside a page of the log, whose frame's sum covers all alike, of every sixteenth byte). Cut off behind
    every sixteenth."""
    for file in (JOURNAL, LOG):
        for at in range(len(data.get(file, b""))):
            heads = at % 4096 < 100 if file == JOURNAL else at < 32 or (at - 32) % 4120 < 24 + 40
            if heads:
                yield from (Harm(case, file, at, at + 1, bit) for bit in range(8))
            elif file == JOURNAL or (at - 32) % 4120 < 150 or at % 16 == 0:
                yield Harm(case, file, at, at + 1, at % 8)
            if at % 16 == 0:
                yield Harm(case, file, at, len(data[file]), None)


@pytest.mark.parametrize("name", CASES)
def test_damage_at_every_byte(cases: dict[str, Case], memory: Path, name: str) -> None:
    """In full under GANIMEDE_FULL=1; else one bit of each byte of the database's head, where each has a meaning of
    its own."""
    harms = list(everywhere(name, cases[name].files))
    if not FULL:
        harms = [
            each
            for each in harms
            if each.file == JOURNAL and each.start < 100 and each.bit in (None, each.start % 8)
        ]
    for at in range(0, len(harms), 25):
        place = memory / str(at)
        place.mkdir()
        assert not run(cases, harms[at : at + 25], place), f"from harm {at}"
