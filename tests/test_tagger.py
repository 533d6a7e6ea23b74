"""Many articles at once: the same answers to the bit as one by one, in order, as a stream, and nothing left running."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
from speed_processes import peak_memory, short_reports

from sayso.data.schema import Document
from sayso.inference.runtime import OnnxEncode, cores
from sayso.inference.tagger import READ_AHEAD, Tagger
from sayso.models.artifact import GRAPH
from sayso.models.pipeline import prepare
from sayso.models.sources import mentions_of
from sayso.models.windows import Logits, Window

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """By id: reports of some windows, a long one, short ones, empty ones."""
    reports = {path.name: path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.txt"))}
    long = {"long": "\n\n".join(reports.values())}
    return reports | long | {"short": "The dam held, the mayor said.", "empty": "", "mark": "“”", "blank": " \n"}


@pytest.fixture(scope="module")
def alone(artifact: Path, texts: dict[str, str]) -> dict[str, Document]:
    """What one thread says about each text by itself."""
    tagger = Tagger.load(artifact, threads=1)
    return {id: tagger.tag(text, id) for id, text in texts.items()}


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_documents_do_not_depend_on_order_neighbours_or_threads(
    artifact: Path, texts: dict[str, str], alone: dict[str, Document], threads: int
) -> None:
    tagger = Tagger.load(artifact, threads=threads)
    ids = list(texts)
    for order in (ids, ids[::-1], random.Random(threads).sample(ids, len(ids))):
        documents = list(tagger.tag_batch((texts[id] for id in order), order))
        assert documents == [alone[id] for id in order]
    assert [tagger.tag(texts[id], id) for id in ids] == list(alone.values())


def test_logits_do_not_depend_on_neighbours_or_threads(artifact: Path, texts: dict[str, str]) -> None:
    tagger = Tagger.load(artifact, threads=4)
    windows = prepare(texts["long"], tagger._tokenizer, tagger.manifest).windows
    assert len(windows) > 3
    together = list(tagger._encode(windows))
    single = OnnxEncode(artifact / GRAPH, threads=1)
    for window, found in zip(windows, together, strict=True):
        (expected,) = single([window])
        for a, b in zip(found, expected, strict=True):
            assert np.array_equal(a, b)


def test_threads_are_the_cores_that_this_process_may_use(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert cores() == Tagger.load(artifact)._encode.threads == 3
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert cores() == 7


def test_an_endless_stream_is_read_ahead_a_little(artifact: Path) -> None:
    tagger = Tagger.load(artifact, threads=2)
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        for read in count(1):
            yield f"The dam held, the mayor said on day {read}."

    documents = tagger.tag_batch(endless())
    first = list(islice(documents, 30))
    assert [document.text.split()[-1] for document in first] == [f"{day}." for day in range(1, 31)]
    assert 30 <= read <= 30 + 2 * READ_AHEAD + 1
    documents.close()
    assert tagger.tag("The dam held.").sentences  # the workers are free


def test_options_are_those_of_tag(artifact: Path) -> None:
    tagger, text = Tagger.load(artifact, threads=2), "The mayor said the dam held."
    (document,) = tagger.tag_batch([text], ["a"], target="the dam", min_confidence=0.99)
    assert document == tagger.tag(text, "a", targets=mentions_of(text, "the dam"), min_confidence=0.99)
    assert [stance.target.text for a in document.attributions for stance in a.stance] == ["the dam"]


def test_ids_are_as_many_as_texts(artifact: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(Tagger.load(artifact).tag_batch(["a", "b"], ["1"]))


def test_an_error_ends_the_work(artifact: Path, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    tagger = Tagger.load(artifact, threads=2)
    encode, calls = tagger._encode, 0
    real = encode._run

    def breaks(window: Window) -> Logits:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("broken graph")
        time.sleep(0.01)  # the caller is quicker
        return real(window)

    monkeypatch.setattr(encode, "_run", breaks)
    article = texts["long"] * 20
    queued = len(prepare(article, tagger._tokenizer, tagger.manifest).windows)
    for run in (lambda: tagger.tag(article), lambda: list(tagger.tag_batch([article, "Next."]))):
        calls = 0
        with pytest.raises(RuntimeError, match="broken graph"):
            run()
        assert encode._workers.submit(lambda: "free").result(timeout=60) == "free"
        assert calls < queued / 2, "what was queued behind the error must not be worked off"


def test_memory_is_flat_from_100_to_2000_reports(artifact: Path) -> None:
    few, many = (
        peak_memory(["tag", "--format", "jsonl", "--threads", "2", "--model", str(artifact)], short_reports(n))
        for n in (100, 2000)
    )
    assert many < 1.1 * few, f"{few:.0f} MiB with 100 reports, {many:.0f} with 2000"
