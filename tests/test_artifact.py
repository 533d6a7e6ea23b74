"""Model folders that must be refused, and the tagger on bad input."""

import json
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sayso.data.schema import Document
from sayso.inference.tagger import Tagger
from sayso.models.artifact import ArtifactError, bundled, load


@pytest.fixture
def copy(artifact: Path, tmp_path: Path) -> Path:
    return shutil.copytree(artifact, tmp_path / "model")


def edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    value = json.loads(path.read_text())
    for key, change in changes.items():
        if change is None:
            del value[key]
        else:
            value[key] = change
    path.write_text(json.dumps(value))


def test_another_schema(copy: Path) -> None:
    edit(copy, schema="sayso/model/5")
    with pytest.raises(ArtifactError, match="expected schema 'sayso/model/4', found 'sayso/model/5'"):
        load(copy)


def test_a_missing_file(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ArtifactError, match=r"tokenizer\.json: expected this file"):
        load(copy)


def test_a_wrong_hash(copy: Path) -> None:
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ArtifactError, match=r"model\.onnx: expected sha256:.*found sha256:"):
        load(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": None}, r"missing \['window'\]"),
        ({"colour": "red"}, r"unknown \['colour'\]"),
        ({"facets": ["rumour"]}, "rumour"),
        ({"files": {}}, "expected hashes"),
    ],
)
def test_a_broken_manifest(copy: Path, changes: dict[str, object], message: str) -> None:
    edit(copy, **changes)
    with pytest.raises(ArtifactError, match=message) as error:
        load(copy)
    assert "\n" not in str(error.value)


def test_no_model_folder(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="expected a model folder"):
        Tagger.load(tmp_path / "nowhere")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ArtifactError, match="expected JSON"):
        load(tmp_path)


@pytest.mark.skipif(not (bundled() / "manifest.json").exists(), reason="no released model in this tree")
def test_the_released_model_is_whole_and_small() -> None:
    release = load()
    assert sum(f.stat().st_size for f in release.path.iterdir()) < 30e6
    document = Tagger.load().tag("The dam held, the mayor said.", "dam")
    assert [(a.source_name, a.cue[0].text) for a in document.attributions] == [("the mayor", "said")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(text=st.text(st.characters(), max_size=300))
def test_offsets_hold_on_any_text(artifact: Path, text: str) -> None:
    tagger = _tagger(artifact)
    document = tagger.tag(text, "x")  # its constructor checks every span
    covered = {i for s in document.sentences for i in range(s.start, s.end)}
    assert all(c.isspace() for i, c in enumerate(text) if i not in covered)
    assert Document.from_json(json.dumps(document.to_json())) == document


_TAGGERS: dict[Path, Tagger] = {}


def _tagger(path: Path) -> Tagger:
    return _TAGGERS.setdefault(path, Tagger.load(path))


@pytest.mark.parametrize(
    "text", ["", " \n", "\"'“”«»``''", "\ud800\udfff said \u200b\u200d\ufeff.", "He said it.\r\nShe denied it.\r\n"]
)
def test_odd_inputs(artifact: Path, text: str) -> None:
    document = _tagger(artifact).tag(text)
    assert "".join(s.text for s in document.sentences).split() == text.split() or "\r" in text or not text.strip()


def test_a_long_line_and_a_long_article(artifact: Path) -> None:
    """5 MB without a line break, and 200,000 words: every character is in a sentence, in minutes at most."""
    line = "The dam held on Monday, the mayor said. " * 125_000
    article = "The dam held.\n" + "Nobody was hurt, the police said. " * 33_334
    started = time.process_time()
    for text, count in ((line, 125_000), (article, 33_335)):
        document = _tagger(artifact).tag(text)
        assert len(document.sentences) == count
        assert document.sentences[-1].end == len(text.rstrip())
    assert time.process_time() - started < 600
