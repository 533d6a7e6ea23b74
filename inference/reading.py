"""Reports from disk: PATH arguments to articles, one at a time, each as the text exactly as it was decoded.

Nothing is normalised: line ends, spaces and quotation marks stay as they are, since every offset of the record counts
on the text. Only a byte order mark is no part of it, and a web page is reduced to its article. JSON Lines (a .jsonl
file that is named, or piped in) hold an article a line and are read line by line.
"""

from __future__ import annotations

import codecs
import json
import logging
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

STDIN, STDIN_ID = "-", "stdin"
HTML_SUFFIXES = frozenset({".html", ".htm"})
ARTICLE_SUFFIXES = frozenset({".txt", ".text", ".md"}) | HTML_SUFFIXES
JSONL_SUFFIX = ".jsonl"

log = logging.getLogger(__name__)

# The UTF-32 mark begins with the UTF-16 one, so it is looked at first.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ["utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be"]
# What news archives are written in, the likelier first: that order settles what charset-normalizer finds equally good.
_LEGACY = ["cp1252", "cp1251", "cp1250", "koi8_r", "cp866", "iso8859_5", "iso8859_2", "cp1253", "cp1254", "cp1255"]
_LEGACY += ["cp1256", "cp1257", "mac_roman", "mac_cyrillic", "cp932", "euc_jp", "gb18030", "big5", "cp949"]

_SIGNATURES = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x7fELF", "a program"),
)
_HTML_START = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)
_JSONL_START = re.compile(rb"(\xef\xbb\xbf)?[ \t]*\{[ \t]*\"")  # no report begins like an object of JSON
_DECLARED_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)


class InputError(Exception):
    """An input that cannot be tagged; the message is one line: which file, what is wrong, what to do."""


def find_articles(arguments: Iterable[str]) -> tuple[list[str], list[InputError]]:
    """The articles that the PATH arguments name, in order, and what was wrong with the others.

    A folder stands for the article files (`ARTICLE_SUFFIXES`) in it and below, sorted, hidden ones left out; linked
    folders are not entered, for links may run in circles. A file that is named itself counts whatever its suffix. JSON
    Lines count only then: in a folder of articles they are mostly what tagging it has left there.
    """
    paths: list[str] = []
    errors: list[InputError] = []
    for argument in arguments:
        if argument == STDIN or not os.path.isdir(argument):
            paths.append(argument)
            continue
        found, problems = _find_in_folder(argument)
        paths += found
        errors += problems
        if not found and not problems:
            suffixes = " ".join(sorted(ARTICLE_SUFFIXES))
            errors.append(InputError(f"{argument}: no article in this folder; looked for {suffixes}, there and below"))
    return paths, errors


def _find_in_folder(folder: str) -> tuple[list[str], list[InputError]]:
    unreadable: list[OSError] = []
    found: list[str] = []
    for root, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names = (name for name in files if not name.startswith("."))
        found += [os.path.join(root, name) for name in names if Path(name).suffix.lower() in ARTICLE_SUFFIXES]
    return sorted(found), [_os_error(str(error.filename), error) for error in unreadable]


def is_jsonl(path: str) -> bool:
    """Does the file's name say that it holds an article a line."""
    return Path(path).suffix.lower() == JSONL_SUFFIX


def read_articles(paths: Iterable[str]) -> Iterator[tuple[str, str | InputError]]:
    """Each article's id (its path) with its text or what was wrong; lazily, so that a corpus need not fit in memory.

    Of JSON Lines each line that is not blank: an object with its "text" and, if it likes, an "id"; "PATH:LINE" without.
    """
    for path in paths:
        id = STDIN_ID if path == STDIN else path
        try:
            if path == STDIN:
                yield from _read_stdin()
            elif is_jsonl(path):
                with Path(path).open("rb") as file:
                    yield from _read_lines(file, id)
            else:
                yield id, read_article(path)
        except InputError as error:
            yield id, error
        except OSError as error:
            yield id, _os_error(path, error)


def _read_stdin() -> Iterator[tuple[str, str | InputError]]:
    file = sys.stdin.buffer
    first = file.readline()
    if _JSONL_START.match(first):
        yield from _read_lines(chain([first], file), STDIN_ID)
    else:
        yield STDIN_ID, _article(first + file.read(), STDIN_ID)


def _read_lines(lines: Iterable[bytes], name: str) -> Iterator[tuple[str, str | InputError]]:
    """The articles of JSON Lines; `InputError` if they are none at all, by the look of their first bytes."""
    any_read = False
    for number, line in enumerate(lines, 1):
        if number == 1:
            _refuse_binary(line, name)
            if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # those of UTF-32 too
                raise InputError(f"{name}: expected JSON Lines in UTF-8, found UTF-16; save it again as UTF-8")
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.isspace():
            any_read = True
            where = f"{name}:{number}"
            try:
                yield _parse_line(line, where)
            except InputError as error:
                yield where, error
    if not any_read:
        raise InputError(f"{name}: empty, no line holds anything; give it a text, or leave it out")


def _parse_line(line: bytes, where: str) -> tuple[str, str]:
    """(id, text) of a line; `where` is the id if it has none."""
    try:
        record = json.loads(line.decode("utf-8").rstrip())
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 (byte {error.start} of the line); save it again as UTF-8") from error
    except json.JSONDecodeError as error:
        raise _line_error(where, f"{error.msg} (column {error.colno})") from error
    except (ValueError, RecursionError) as error:  # numbers too long, lists too deep
        raise _line_error(where, str(error)) from error
    text, id = (record.get("text"), record.get("id")) if isinstance(record, dict) else (None, None)
    if not isinstance(text, str) or not isinstance(id, str | int | None):
        raise _line_error(where, f"{json.dumps(record, ensure_ascii=False):.80}")
    return (where if id is None else str(id)), _not_blank(text, where)


def _line_error(where: str, found: str) -> InputError:
    expected = 'expected a JSON object with "text", a string, and maybe "id", a string or a whole number'
    return InputError(f"{where}: {expected}, found {found}; mend the line, or leave it out")


def read_article(path: str) -> str:
    """The text of one file; `InputError` if there is none to tag."""
    try:
        return _article(Path(path).read_bytes(), path)
    except OSError as error:
        raise _os_error(path, error) from error


def _article(data: bytes, name: str) -> str:
    text = decode(data, name)
    if Path(name).suffix.lower() in HTML_SUFFIXES or _HTML_START.match(text):
        text = _article_of_page(text, name)
    return _not_blank(text, name)


def _not_blank(text: str, name: str) -> str:
    if not text.strip():
        raise InputError(f"{name}: nothing but white space; give it a text, or leave it out")
    return text


def _os_error(path: str, error: OSError) -> InputError:
    match error:
        case FileNotFoundError():
            return InputError(f"{path}: no such file or folder; check the path")
        case PermissionError():
            return InputError(f"{path}: no permission to read it; see `ls -ld`, then chmod or chown")
        case _:
            return InputError(f"{path}: cannot be read: {error.strerror or error}; check the file and its disk")


def decode(data: bytes, name: str) -> str:
    """Text of unknown encoding: byte order mark, else UTF-8, else what the page declares, else a guess, logged.

    `InputError` if the bytes are none or no text; `name` is for its message.
    """
    if not data:
        raise InputError(f"{name}: empty, 0 bytes; give it a text, or leave it out")
    _refuse_binary(data, name)
    text = _decode_marked(data, name)
    if text is None:
        text = _decode_utf8(data)
    if text is None:
        text = _decode_guessed(data, name)
    if text is None or not _is_readable(text):
        raise InputError(f"{name}: binary, no text in any known encoding; convert it to UTF-8 text first")
    return text


def _refuse_binary(data: bytes, name: str) -> None:
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise InputError(f"{name}: binary, it looks like {kind}; extract its text first")


def _decode_marked(data: bytes, name: str) -> str | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{name}: its byte order mark says {encoding.upper()}, but byte {len(mark) + error.start} is not;"
                    " save it again as UTF-8"
                ) from error
    return None


def _decode_utf8(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Plain ASCII text in UTF-16 without a mark is UTF-8 too, with a NUL beside every letter.
    return None if "\0" in text else text


def _decode_guessed(data: bytes, name: str) -> str | None:
    declared = _DECLARED_CHARSET.search(data, 0, 4096)
    if declared and (text := _decode_declared(data, declared[1].decode("ascii", "replace"))) is not None:
        return text
    if (text := _decode_damaged_utf8(data)) is not None:
        log.warning("%s: damaged UTF-8; %d broken places read as \N{REPLACEMENT CHARACTER}", name, text.count("\ufffd"))
        return text
    encoding = _guess_encoding(data)
    if encoding is None:
        return None
    log.warning("%s: not UTF-8; read as %s, by the look of it", name, encoding)
    return data.decode(encoding)


def _decode_declared(data: bytes, label: str) -> str | None:
    try:
        encoding = codecs.lookup(label).name
        # Browsers read both as their superset, and pages count on that.
        return data.decode("cp1252" if encoding in ("iso8859-1", "ascii") else encoding)
    except (LookupError, UnicodeDecodeError):
        return None


def _decode_damaged_utf8(data: bytes) -> str | None:
    """UTF-8 with a few broken bytes: guessing another encoding would garble the characters that are whole."""
    if b"\0" in data:
        return None
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(not c.isascii() for c in text) - broken
    return text if whole > 3 * broken else None


def _guess_encoding(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    # UTF-16 and UTF-32 have NULs in every space and line end; no other text has any.
    candidates = _WIDE if b"\0" in data else _LEGACY
    # charset-normalizer judges samples: in a long English text a few foreign words would stay outside of them.
    sample = data if b"\0" in data else b"\n".join(part for part in re.split(rb"[.\r\n]", data) if not part.isascii())
    matches = list(from_bytes(sample, cp_isolation=candidates))
    if not matches:
        return None
    best = matches[0]
    equal = [m for m in matches if (m.chaos, m.coherence) == (best.chaos, best.coherence)]
    names = {name for match in equal for name in (match.encoding, *match.could_be_from_charset)}
    for encoding in candidates:
        if encoding in names and _decodes(data, encoding):
            return encoding
    return None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_readable(text: str) -> bool:
    """Whether this is text: no NUL, and at most one control or unassigned character in fifty."""
    odd = sum(not c.isprintable() and unicodedata.category(c) in ("Cc", "Cn", "Co") for c in text)
    return "\0" not in text and odd - sum(map(text.count, "\n\r\t\f")) <= len(text) / 50


def _article_of_page(page: str, name: str) -> str:
    try:
        from trafilatura import bare_extraction
    except ImportError as error:
        raise InputError(f"{name}: a web page needs one more package; pip install 'sayso[html]'") from error
    found = bare_extraction(page, include_comments=False, with_metadata=True)
    title, text = (
        (found.title or "", found.text or "") if found is not None and not isinstance(found, dict) else ("", "")
    )
    if not text.strip():
        raise InputError(f"{name}: no article found in this web page; save the article as plain text")
    # The headline often stands outside of what is extracted, and it is a sentence of the report.
    return text if not title or title in text else f"{title}\n{text}"
