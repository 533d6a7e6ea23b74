"""The command line as a user meets it: a process of its own, with good and bad inputs, pipes and interrupts."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sayso.data.schema import Document

ROOT = Path(__file__).parents[1]
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256))

# A stand-in for the tagger: the command line is tested without weights. It calls every line a sentence.
FAKE = """
    import sys, time, types
    from sayso.data.schema import Attribution, Document, Label, Polarity, Sentence, Stance
    from sayso.models.artifact import ArtifactError
    from sayso.models.sources import mentions_of

    class Tagger:
        @classmethod
        def load(cls, path=None, *, threads=None):
            if path is not None:
                raise ArtifactError(f"{path}: no manifest.json; name a folder made by `sayso export`")
            return cls()

        def tag(self, text, id="", *, targets=None, min_confidence=0.0):
            if text == "CRASH":
                raise RuntimeError("bug\\nin the tagger")
            if text == "WAIT":
                time.sleep(30)
            sentences, at = [], 0
            for line in text.splitlines(keepends=True):
                if line.strip():
                    words = line.rstrip()
                    sentences.append(Sentence(at, at + len(words), words, Label.OTHER))
                at += len(line)
            own = [next(k for k, s in enumerate(sentences) if s.end > t.start) for t in targets or ()]
            stances = [
                Attribution(sentences=(k,), stance=(Stance(t, Polarity.CRITICAL, 0.9),))
                for k, t in zip(own, targets or (), strict=True)
            ]
            return Document(id, text, tuple(sentences), tuple(stances))

        def tag_batch(self, texts, ids, *, target=None, min_confidence=0.0):
            for text, id in zip(texts, ids):
                yield self.tag(text, id, targets=mentions_of(text, target) if target else None)

    module = types.ModuleType("sayso.inference.tagger")
    module.Tagger = Tagger
    sys.modules["sayso.inference.tagger"] = module
    from sayso.cli import main
    main()
"""
ARGS = [sys.executable, "-c", textwrap.dedent(FAKE)]

Sayso = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def sayso(tmp_path: Path) -> Sayso:
    """Runs `sayso ARGS` in the test's folder."""

    def run(*args: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*ARGS, *args],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env=os.environ | env,
            timeout=60,
            check=False,
        )

    return run


def lines(output: bytes) -> list[str]:
    return output.decode().splitlines()


def records(output: bytes) -> list[Document]:
    return [Document.from_json(line) for line in lines(output)]


def test_bad_inputs_cost_a_line_each_and_the_others_are_tagged_in_order(sayso: Sayso, tmp_path: Path) -> None:
    texts = {"b.txt": "Second.", "a.txt": "First.\r\nStill first.\r\n", "utf16.txt": "Wide.", "q.txt": "“”"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text.encode("utf-16" if name == "utf16.txt" else "utf-8"))
    (tmp_path / "cp1251.txt").write_bytes("Министр заявил, что переговоры прошли успешно.".encode("cp1251"))
    (tmp_path / "zero.txt").write_bytes(b"")
    (tmp_path / "photo.txt").write_bytes(JPEG)
    (tmp_path / "empty").mkdir()

    names = ["b.txt", "absent.txt", "a.txt", "zero.txt", "utf16.txt", "photo.txt", "cp1251.txt", "empty", "q.txt"]
    run = sayso("tag", "--format", "jsonl", *names)

    assert run.returncode == 1
    assert [d.id for d in records(run.stdout)] == ["b.txt", "a.txt", "utf16.txt", "cp1251.txt", "q.txt"]
    assert [d.text for d in records(run.stdout)][:3] == ["Second.", "First.\r\nStill first.\r\n", "Wide."]
    assert [line.partition(";")[0] for line in lines(run.stderr)] == [
        "sayso: empty: no article in this folder",
        "sayso: absent.txt: no such file or folder",
        "sayso: zero.txt: empty, 0 bytes",
        "sayso: photo.txt: binary, it looks like a JPEG picture",
        "sayso: warning: cp1251.txt: not UTF-8",
    ]


def test_no_permission(sayso: Sayso, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads every file; test_reading.py has the same case with a refusing file system")
    path = tmp_path / "a.txt"
    path.write_text("Text.")
    path.chmod(0)
    run = sayso("tag", "a.txt")
    assert run.returncode == 1
    assert lines(run.stderr) == ["sayso: a.txt: no permission to read it; see `ls -ld`, then chmod or chown"]


@pytest.mark.parametrize("args", [("tag",), ("tag", "-")])
def test_standard_input(sayso: Sayso, args: tuple[str, ...]) -> None:
    run = sayso(*args, stdin="A “piped” text.".encode())
    assert run.returncode == 0
    assert run.stdout.decode() == "\nstdin  1 sentence · 1 other\n\n  1  other  A “piped” text.\n"
    assert run.stderr == b""


def test_a_target_shows_its_mentions_alone(sayso: Sayso, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The union met.\nNobody thanked The Union.\nIt rained.", "utf-8")
    (tmp_path / "b.txt").write_text("Reunions are held.", "utf-8")
    ran = sayso("tag", str(tmp_path), "--target", "the union")
    shown = ran.stdout.decode()
    assert shown.count("critical of The") == 2 and "rained" not in shown and "Reunions" not in shown
    ran = sayso("tag", str(tmp_path), "--target", "the union", "-f", "jsonl")
    (record,) = (Document.from_json(line) for line in ran.stdout.decode().splitlines())
    assert [s.target.start for a in record.attributions for s in a.stance] == [0, 30]
    ran = sayso("tag", str(tmp_path), "--target", "the league")
    assert (ran.returncode, ran.stdout) == (0, b"") and b"no mention of the league" in ran.stderr


@pytest.mark.parametrize("piped", [False, True])
def test_json_lines_in_records_out(sayso: Sayso, tmp_path: Path, piped: bool) -> None:
    data = b'{"text": "First.", "id": "one"}\n{"text": 2}\n{"text": "Third."}\n'
    (tmp_path / "a.jsonl").write_bytes(data)
    run = sayso("tag", "-f", "jsonl", *([] if piped else ["a.jsonl"]), stdin=data)
    name = "stdin" if piped else "a.jsonl"
    assert run.returncode == 1
    assert [(d.id, d.text) for d in records(run.stdout)] == [("one", "First."), (f"{name}:3", "Third.")]
    (error,) = lines(run.stderr)
    assert error.startswith(f"sayso: {name}:2: expected a JSON object") and 'found {"text": 2}' in error


def test_records_are_written_as_they_come(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*ARGS, "tag", "-f", "jsonl"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for word in (b"First", b"Second"):
            process.stdin.write(b'{"text": "%s."}\n' % word)
            process.stdin.flush()
            assert b'"text": "%s."' % word in process.stdout.readline()
    assert process.returncode == 0


def test_empty_standard_input(sayso: Sayso) -> None:
    run = sayso("tag")
    assert (run.returncode, run.stdout) == (1, b"")
    assert lines(run.stderr) == ["sayso: stdin: empty, 0 bytes; give it a text, or leave it out"]


def test_records_are_utf8_and_errors_one_line_whatever_the_locale(sayso: Sayso) -> None:
    run = sayso("tag", "-", "a\nb", "-f", "jsonl", stdin="“Я”".encode(), PYTHONIOENCODING="ascii")
    assert records(run.stdout)[0].text == "“Я”"
    assert lines(run.stderr) == ["sayso: a b: no such file or folder; check the path"]


def test_table_of_a_terminal_that_cannot_show_it_does_not_fail(sayso: Sayso) -> None:
    run = sayso("tag", stdin="“Я”".encode(), PYTHONIOENCODING="ascii")
    assert run.returncode == 0
    assert "1  other  ???" in run.stdout.decode()


def test_output_file_appears_whole_and_a_folder_is_read_in_order(sayso: Sayso, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "cab":
        (tmp_path / "in" / f"{name}.txt").write_text(f"Report {name}.")
    run = sayso("tag", "in", "absent.txt", "-o", "out")
    assert run.returncode == 1
    assert run.stdout == b""
    assert [d.id for d in records((tmp_path / "out").read_bytes())] == ["in/a.txt", "in/b.txt", "in/c.txt"]
    assert sayso("tag", "in", "-o", "out", "-f", "table").returncode == 0
    assert (tmp_path / "out").read_text().startswith("\nin/a.txt")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]


def test_output_file_survives_when_nothing_could_be_read(sayso: Sayso, tmp_path: Path) -> None:
    (tmp_path / "zero.txt").write_bytes(b"")
    assert sayso("tag", "zero.txt", "-o", "new").returncode == 1
    (tmp_path / "old").write_text("precious")
    assert sayso("tag", "zero.txt", "-o", "old").returncode == 1
    assert (tmp_path / "old").read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old", "zero.txt"]


def test_output_file_of_a_run_that_fails_half_way(sayso: Sayso, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Good.")
    (tmp_path / "b.txt").write_text("CRASH")
    (tmp_path / "out").write_text("precious")
    run = sayso("tag", "a.txt", "b.txt", "-o", "out")
    assert run.returncode == 1
    assert (tmp_path / "out").read_text() == "precious"
    assert [d.id for d in records((tmp_path / "out.part").read_bytes())] == ["a.txt"]
    assert lines(run.stderr) == [
        f"sayso: what was tagged until then is in {tmp_path}/out.part",
        "sayso: unexpected RuntimeError: bug in the tagger; run it again with --debug and report what it shows",
    ]


def test_output_that_cannot_be_written(sayso: Sayso, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Good.")
    run = sayso("tag", "a.txt", "-o", "no/such/folder")
    assert (run.returncode, run.stdout) == (1, b"")
    assert lines(run.stderr)[0].endswith(
        "No such file or directory; check the path, its permissions and the free space"
    )
    run = sayso("tag", "a.txt", "-o", "a.txt", COLUMNS="160")
    assert run.returncode == 2
    assert "would be overwritten" in run.stderr.decode()
    assert sayso("tag", "a.txt", "-o", "/dev/null").returncode == 0


def test_traceback_only_with_debug(sayso: Sayso) -> None:
    assert b"Traceback" not in sayso("tag", stdin=b"CRASH").stderr
    assert b"Traceback" in sayso("tag", "--debug", stdin=b"CRASH").stderr


def test_model_that_cannot_be_loaded(sayso: Sayso) -> None:
    run = sayso("tag", "--model", "nowhere", stdin=b"Text.")
    assert run.returncode == 1
    assert lines(run.stderr) == ["sayso: nowhere: no manifest.json; name a folder made by `sayso export`"]


def test_broken_pipe_is_quiet(sayso: Sayso, tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number}.txt").write_text("A long line of text. " * 1000)
    with subprocess.Popen(
        [*ARGS, "tag", ".", "-f", "jsonl"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_interrupt_is_one_line_and_keeps_what_was_done(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Good.")
    (tmp_path / "b.txt").write_text("WAIT")
    part = tmp_path / "out.part"
    with subprocess.Popen(
        [*ARGS, "tag", ".", "-o", "out"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        # where the tests run in the background of a shell, it has told them to ignore the signal
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        for _ in range(1000):
            if part.exists() and part.stat().st_size:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        errors = lines(process.stderr.read())
    assert process.returncode == 130
    assert errors == [f"sayso: what was tagged until then is in {part}", "sayso: interrupted"]


def test_nothing_to_read_from_a_terminal_is_wrong_usage(tmp_path: Path) -> None:
    control, terminal = pty.openpty()
    run = subprocess.run([*ARGS, "tag"], stdin=terminal, capture_output=True, cwd=tmp_path, timeout=60, check=False)
    os.close(control)
    os.close(terminal)
    assert run.returncode == 2
    assert "name a file or a folder, or pipe a text in" in run.stderr.decode()


@pytest.mark.parametrize(
    "args", [("tag", "--format", "xml"), ("tag", "--threads", "0"), ("frobnicate",), ("evaluate",)]
)
def test_wrong_usage(sayso: Sayso, args: tuple[str, ...]) -> None:
    assert sayso(*args).returncode == 2


def _on_terminal(command: list[str], cwd: Path) -> tuple[str, bytes]:
    """What a command writes to a terminal as its standard error, and to a pipe as its standard output."""
    control, terminal = pty.openpty()
    with subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
    os.close(terminal)
    errors = b""
    try:
        while chunk := os.read(control, 4096):
            errors += chunk
    except OSError:  # Linux reports the end of a terminal so
        pass
    os.close(control)
    return errors.decode(), output


def test_progress_shows_on_a_terminal_and_stays_out_of_the_data(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"Report {name}.")
    errors, output = _on_terminal([*ARGS, "tag", ".", "-f", "jsonl"], tmp_path)
    assert "2/2" in errors
    assert [d.id for d in records(output)] == ["./a.txt", "./b.txt"]
    errors, output = _on_terminal([*ARGS, "tag", "a.txt"], tmp_path)
    assert errors == ""


def test_colours_only_on_request_where_there_is_no_terminal(sayso: Sayso) -> None:
    def has_colours(**env: str) -> bool:
        return b"\x1b[" in sayso("tag", stdin=b"Text.", TERM="xterm", **env).stdout

    assert not has_colours()
    assert has_colours(FORCE_COLOR="1")
    assert not has_colours(FORCE_COLOR="1", NO_COLOR="1")


def test_version_and_help(sayso: Sayso) -> None:
    assert sayso("--version").stdout.decode().startswith("sayso 0.")
    assert "sayso tag archive/ -o tagged.jsonl" in sayso("tag", "--help", COLUMNS="120").stdout.decode()


def test_missing_extra_is_named(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from sayso.cli import main; main()"
    command = [sys.executable, "-c", code, "train", "--run", "runs/a"]
    run = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60, check=False)
    assert run.returncode == 1
    assert lines(run.stderr) == ["sayso: torch is not installed; pip install 'sayso[train]'"]


def test_absent_corpora_are_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sayso", "evaluate", "--corpus", "wire"]
    environment = {**os.environ, "SAYSO_CORPORA": "nowhere"}
    run = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60, check=False, env=environment)
    assert run.returncode == 1
    assert b"nowhere: no such folder; set SAYSO_CORPORA" in run.stderr
    assert b"https://github.com/prafulla77/Discourse_Profiling" in run.stderr


def test_public_names_come_lazily() -> None:
    code = """
        import sys
        import sayso
        assert not {"numpy", "onnxruntime", "rich"} & set(sys.modules)
        assert sayso.Document.__name__ == "Document"
        assert sayso.__version__
        try:
            sayso.nonsense
        except AttributeError as error:
            print(error)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=True, timeout=60)
    assert run.stdout.decode() == "module 'sayso' has no attribute 'nonsense'\n"


@pytest.mark.skipif(not (ROOT / "models/release/manifest.json").exists(), reason="no bundled model yet")
def test_bundled_model_tags_the_example_reports(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sayso", "tag", str(ROOT / "examples"), "-o", "out.jsonl"]
    run = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=300, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    tagged = [Document.from_json(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [Path(d.id).name for d in tagged] == ["flood-response.txt", "port-talks.txt", "rate-decision.txt"]
    for document in tagged:
        assert {s.label for s in document.sentences} >= {"official_assessment", "attribution", "reported_claim"}
        assert document.attributions
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["model"]["digest"].startswith("sha256:")
