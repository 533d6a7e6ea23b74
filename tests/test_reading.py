"""Reports from disk: encodings, web pages, folders, and one clear line for every input that is no text."""

from __future__ import annotations

import builtins
import io
import itertools
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.inference.reading import InputError, decode, find_articles, read_article, read_articles

ENGLISH = (
    "Ferry strike “over by Friday” — union\r\n\r\nHAVENMOUTH, June 3 (Coastwire) — Crews on the café boats voted to"
    " return to work.\r\n\r\n“We’ve been heard,” the union’s secretary, Zoë Brandt, told reporters.\r\n"
)
RUSSIAN = (
    "Паром вернется на линию — порт\n\nГАВАНЬ, 3 июня. Экипажи проголосовали за возвращение к работе.\n\n"
    '"Нас услышали", - сообщила секретарь профсоюза Зоя Брандт.\n'
)
SHORT_RUSSIAN = "Министр заявил, что переговоры прошли успешно."
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(range(256)) * 4
PARAGRAPHS = (
    "HAVENMOUTH, June 3 (Coastwire) — Crews on the harbour boats voted on Monday to return to work.",
    '"We have been heard," the union\'s secretary told reporters &amp; cheering passengers on the quay.',
    "The port office said that 14 of 16 boats would sail on Tuesday, and the other two after an inspection.",
)
PAGE = (
    "<!DOCTYPE html><html><head><meta charset='{charset}'><title>Ferry strike over | Coastwire</title></head><body>"
    "<nav><a href='/'>Home</a> <a href='/sport'>Sport</a></nav><h1>Ferry strike over</h1><article>"
    + "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    + "</article><footer>Copyright Coastwire, all rights reserved</footer></body></html>"
)


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-be"])
@pytest.mark.parametrize("text", [ENGLISH, RUSSIAN, SHORT_RUSSIAN])
def test_unicode_encodings(tmp_path: Path, text: str, encoding: str) -> None:
    assert read_article(write(tmp_path / "a.txt", text.encode(encoding))) == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", RUSSIAN),
        ("cp1251", SHORT_RUSSIAN),
        ("koi8-r", RUSSIAN.replace("—", "-")),
        ("cp866", RUSSIAN.replace("—", "-")),
        ("cp1252", ENGLISH),
        ("cp1252", "It’s fine."),
        ("cp1252", "Le ministre a déclaré que la fermeture était « inacceptable » et devait cesser dès l'été."),
        ("cp1250", "Minister oświadczył, że rozmowy były bardzo pożyteczne, a żegluga zostanie wznowiona w środę."),
        # what is foreign in a long English text is easily missed by a detector that samples it
        ("cp1251", "Alice met Bob in town. " * 3000 + SHORT_RUSSIAN),
    ],
)
def test_legacy_encodings_are_recognised_and_announced(
    encoding: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert decode(text.encode(encoding), "a.txt") == text
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "a.txt: not UTF-8; read as" in caplog.text


def test_a_few_broken_bytes_do_not_garble_utf8(caplog: pytest.LogCaptureFixture) -> None:
    data = ENGLISH.encode().replace(b"work", b"w\xffrk", 1)
    assert decode(data, "a.txt") == ENGLISH.replace("work", "w\ufffdrk", 1)
    assert "a.txt: damaged UTF-8; 1 broken places" in caplog.text


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1))
def test_utf8_comes_back_exactly(text: str) -> None:
    assert decode(text.encode("utf-8-sig"), "a.txt") == text
    if not text.startswith("\ufeff"):
        assert decode(text.encode(), "a.txt") == text


@pytest.mark.parametrize("text", ['"', "“”", "\"\" '' «»\n``"])
def test_only_quotation_marks_are_a_text(tmp_path: Path, text: str) -> None:
    assert read_article(write(tmp_path / "a.txt", text.encode())) == text


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty, 0 bytes"),
        (b" \r\n\t\n", "nothing but white space"),
        (b"\xef\xbb\xbf", "nothing but white space"),
        (JPEG, "it looks like a JPEG picture"),
        (JPEG[4:], "binary"),
        (b"%PDF-1.7 and so on", "it looks like a PDF"),
        (b"A text, then\0\0\0 a hole.", "binary"),
        (bytes(range(1, 256)) * 20, "binary"),
        (b"\xff\xfeA\x00\x00\xd8B\x00", "byte order mark says UTF-16-LE"),
    ],
)
def test_what_is_no_text_is_refused_by_name(tmp_path: Path, data: bytes, problem: str) -> None:
    path = write(tmp_path / "a.txt", data)
    with pytest.raises(InputError) as caught:
        read_article(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert "\n" not in message


def test_absent_file() -> None:
    with pytest.raises(InputError, match=r"absent\.txt: no such file or folder; check the path"):
        read_article("absent.txt")


@pytest.mark.parametrize(
    ("error", "problem"),
    [(PermissionError(13, "Permission denied"), "no permission"), (OSError(5, "Input/output error"), "Input/output")],
)
def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, problem: str) -> None:
    def refuse(path: Path) -> bytes:  # file modes stop nobody who is root, as in most containers
        raise error

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=rf"a\.txt: .*{problem}"):
        read_article(str(tmp_path / "a.txt"))


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "iso-8859-5"])
@pytest.mark.parametrize("name", ["a.html", "a.HTM", "a.txt"])
def test_web_page_is_reduced_to_its_article(tmp_path: Path, name: str, encoding: str) -> None:
    page = PAGE.format(charset=encoding).replace("harbour", "гавань").replace("—", "-")
    text = read_article(write(tmp_path / name, page.encode(encoding)))
    expected = "\n".join(("Ferry strike over", *PARAGRAPHS))
    assert text == expected.replace("harbour", "гавань").replace("—", "-").replace("&amp;", "&")


def test_web_page_without_article(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.html: no article found"):
        read_article(write(tmp_path / "a.html", b"<html><body></body></html>"))


def test_web_page_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name == "trafilatura":
            raise ModuleNotFoundError("No module named 'trafilatura'", name=name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"a\.html: .*pip install 'sayso\[html\]'"):
        read_article(write(tmp_path / "a.html", PAGE.encode()))


def test_folder_stands_for_its_articles(tmp_path: Path) -> None:
    for name in ("b.txt", "a.md", "sub/c.HTML", ".hidden.txt", ".git/d.txt", "picture.jpg", "tagged.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("Text.")
    lone = write(tmp_path / "picture.jpg", b"Text.")
    (tmp_path / "empty").mkdir()

    paths, problems = find_articles(["-", str(tmp_path), lone, str(tmp_path / "empty"), "absent.txt"])

    inside = [str(tmp_path / name) for name in ("a.md", "b.txt", "sub/c.HTML")]
    assert paths == ["-", *inside, lone, "absent.txt"]
    assert [str(p) for p in problems] == [
        f"{tmp_path}/empty: no article in this folder; looked for .htm .html .md .text .txt, there and below"
    ]


def test_unreadable_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    paths, problems = find_articles([str(tmp_path)])
    assert paths == []
    assert [str(p) for p in problems] == [f"{tmp_path}: no permission to read it; see `ls -ld`, then chmod or chown"]


def test_articles_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Piped.")))
    second = tmp_path / "b.txt"
    articles = read_articles(["-", "absent.txt", str(second)])
    assert next(articles) == ("stdin", "Piped.")
    id, error = next(articles)
    assert id == "absent.txt"
    assert isinstance(error, InputError)
    second.write_text("Written late.")
    assert next(articles) == (str(second), "Written late.")


def pipe_in(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_json_lines_hold_an_article_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        {"id": "first", "text": ENGLISH, "outlet": "Coastwire"},
        {"text": "\u2028Zoë\x85 <b>said</b>.\n"},
        {"text": "By number.", "id": 7},
        {"text": "Null is none.", "id": None},
        {"text": "\ud800"},
    ]
    data = b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(line).encode() for line in lines[:2]) + b"\n \n\n"
    data += json.dumps(lines[2]).encode() + b"\n" + json.dumps(lines[3], ensure_ascii=False).encode() + b"\n"
    data += json.dumps(lines[4]).encode()
    path = write(tmp_path / "a.JSONL", data)
    ids = ["first", f"{path}:2", "7", f"{path}:6", f"{path}:7"]
    assert list(read_articles([path])) == list(zip(ids, [line["text"] for line in lines], strict=True))
    pipe_in(data, monkeypatch)
    assert [id for id, _ in read_articles(["-"])] == ["first", "stdin:2", "7", "stdin:6", "stdin:7"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"text": "cut off', "found Unterminated string starting at (column 10)"),
        (b"Plain text.", "found Expecting value (column 1)"),
        (b'["text"]', 'found ["text"]'),
        (b'{"body": "Text."}', 'found {"body": "Text."}'),
        (b'{"text": null}', 'found {"text": null}'),
        (b'{"text": ["Text."]}', 'found {"text": ["Text."]}'),
        (b'{"text": "Text.", "id": {}}', 'found {"text": "Text.", "id": {}}'),
        (b'{"text": "' + b"x" * 500 + b'", "id": 1.5}', 'found {"text": "xxx'),
        (b'{"text": " \\n"}', "nothing but white space"),
        (b'{"text": "caf\xe9"}', "not UTF-8 (byte 13 of the line)"),
        (b"[" * 100_000, "recursion"),
        (b'{"text": ' + b"9" * 10_000 + b"}", "digits"),
    ],
)
def test_a_broken_line_costs_one_line_and_the_others_are_read(tmp_path: Path, line: bytes, problem: str) -> None:
    path = write(tmp_path / "a.jsonl", b'{"text": "Before."}\n' + line + b'\n{"text": "After."}\n')
    (_, before), (id, error), (_, after) = read_articles([path])
    assert (before, after, id) == ("Before.", "After.", f"{path}:2")
    assert isinstance(error, InputError)
    message = str(error)
    assert message.startswith(f"{path}:2: ") and problem in message
    assert "\n" not in message and len(message) < len(path) + 300


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no line holds anything"),
        (b"\n \n", "no line holds anything"),
        (b"\x1f\x8b\x08\0\n" * 9, "it looks like a gzip archive"),
        ('{"text": "Wide."}\n'.encode("utf-16") * 9, "expected JSON Lines in UTF-8, found UTF-16"),
    ],
)
def test_json_lines_that_are_none_cost_one_line_in_all(tmp_path: Path, data: bytes, problem: str) -> None:
    path = write(tmp_path / "a.jsonl", data)
    ((id, error),) = read_articles([path])
    assert id == path
    assert str(error).startswith(f"{path}: ") and problem in str(error)
    ((_, absent),) = read_articles(["absent.jsonl"])
    assert str(absent) == "absent.jsonl: no such file or folder; check the path"


def test_json_lines_are_read_as_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (b'{"text": "Report %d."}\n' % number for number in itertools.count())  # never ends

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            line = next(lines)
            buffer[: len(line)] = line
            return len(line)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    assert list(itertools.islice(read_articles(["-"]), 3)) == [(f"stdin:{n + 1}", f"Report {n}.") for n in range(3)]


@pytest.mark.parametrize("text", ["{{Short description|A wiki page.}}\nText.", '"{", he said.', "{\n} is no object."])
def test_a_piped_text_with_braces_is_a_text(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    pipe_in(text.encode(), monkeypatch)
    assert list(read_articles(["-"])) == [("stdin", text)]
