"""The bundled corpus: records made of reports, what must hold across reports, and the command. All text is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_inline import PORT
from typer.testing import CliRunner

from sayso.corpus_cli import app
from sayso.data import bundled
from sayso.data.inline import parse
from sayso.data.report import SPLITS, Problem, Report
from sayso.data.schema import Facet, Head, Label, Polarity

NAME = "nordpress-01-diplomacy.txt"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty corpus in the place of the real one."""
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    for split in SPLITS:
        (tmp_path / split).mkdir()
    return tmp_path


def put(corpus: Path, name: str, body: str, house: str = "NordPress", subject: str = "diplomacy") -> Path:
    path = corpus / name
    path.write_text(f"house: {house}\nsubject: {subject}\n\n{body}\n", encoding="utf-8")
    return path


def report(body: str, path: str = f"train/{NAME}") -> Report:
    return parse(f"house: NordPress\nsubject: diplomacy\n\n{body}\n", Path(path))


# -- records ----------------------------------------------------------------------------------------------------------


def test_a_report_becomes_a_record() -> None:
    gold = bundled.gold(parse(PORT, Path("train") / NAME))
    document = gold.document
    assert (document.id, gold.corpus, gold.split, gold.outlet) == (
        "nordpress-01-diplomacy",
        "bundled",
        "train",
        "NordPress",
    )
    assert gold.heads == frozenset(Head)
    assert not gold.masked
    assert [sentence.label for sentence in document.sentences] == [
        Label.OFFICIAL_ASSESSMENT,
        Label.REPORTED_CLAIM,
        Label.ATTRIBUTION,
        Label.OFFICIAL_ASSESSMENT,
        Label.ATTRIBUTION,
    ]
    assert [sentence.source for sentence in document.sentences] == [
        "Transport Ministry",
        None,
        "Transport Ministry",
        "Transport Ministry",
        "A fishermen's union",
    ]
    assert [sentence.stance for sentence in document.sentences] == [
        Polarity.SUPPORTIVE,
        None,
        Polarity.NEUTRAL,
        Polarity.CRITICAL,
        Polarity.CRITICAL,
    ]
    assert dict(document.sentences[1].facets) == {
        Facet.REPORTED_CLAIM: 1.0,
        Facet.OFFICIAL_ASSESSMENT: 0.0,
        Facet.ATTRIBUTION: 0.0,
    }
    it = document.attributions[2]
    assert [span.text for span in it.source + it.cue] == ["It", "added"]
    assert it.resolved_source is not None
    assert (it.resolved_source.start, it.resolved_source.text) == (24, "Transport Ministry")
    assert (it.official, it.sentences) == (1.0, (3,))
    assert [(stance.target.text, stance.polarity) for stance in it.stance] == [("the blockade", Polarity.CRITICAL)]
    union = document.attributions[3]
    assert (union.official, union.resolved_source) == (0.0, union.source[0])


def test_pieces_in_several_sentences_are_one_attribution() -> None:
    gold = bundled.gold(
        report('A-- | [s2 Ann] [q2 said]: [c2 "We wait.]\nA-- | [c2 We hope."]\n\n--- | [s2 She] left.')
    )
    (attribution,) = gold.document.attributions
    assert attribution.sentences == (0, 1)
    assert [span.text for span in attribution.content] == ['"We wait.', 'We hope."']
    assert [span.text for span in attribution.source] == ["Ann", "She"]
    assert attribution.resolved_source == attribution.source[0]
    assert [sentence.source for sentence in gold.document.sentences] == ["Ann", "Ann", None]
    assert gold.document.sentences[1].stance is Polarity.NEUTRAL


def test_the_outer_attribution_comes_first() -> None:
    gold = bundled.gold(report("A-- | [c2 [s1 Bo] [q1 had said] [c1 no]], [s2! police] [q2 told] us."))
    assert [each.source_name for each in gold.document.attributions] == ["police", "Bo"]
    assert gold.document.sentences[0].source == "police"


def test_an_attribution_may_have_no_source() -> None:
    gold = bundled.gold(report("A-C | The bridge was [q1 reportedly] [c1 shut]."))
    assert gold.document.attributions[0].resolved_source is None
    assert gold.document.attributions[0].official == 0.0
    assert (gold.document.sentences[0].source, gold.document.sentences[0].stance) == (None, None)


def test_a_cueless_assessment_hangs_on_its_target() -> None:
    gold = bundled.gold(report("-O- | [s1! Diplomats] were cool to [t1- the plan]."))
    assert gold.document.attributions[0].sentences == (0,)
    assert (gold.document.sentences[0].source, gold.document.sentences[0].stance) == ("Diplomats", Polarity.CRITICAL)


def test_a_later_mention_resolves_where_none_precedes() -> None:
    gold = bundled.gold(
        report('A-- | [c1 "No,"] [s1 she] [q1 said].  @1=Ann Ode\n--- | Ann Ode left.\n--- | Ann Ode ate.')
    )
    resolved = gold.document.attributions[0].resolved_source
    assert resolved is not None
    assert resolved.start == gold.document.text.index("Ann Ode")


# -- the corpus -------------------------------------------------------------------------------------------------------


def test_splits_are_read(corpus: Path) -> None:
    put(corpus, "dev/nordpress-02-diplomacy.txt", "--C | Two met.")
    put(corpus, "dev/nordpress-01-diplomacy.txt", "--C | One came.")
    assert [gold.document.text for gold in bundled.read("dev")] == ["One came.", "Two met."]
    assert list(bundled.read("train")) == []
    with pytest.raises(ValueError, match="split 'test': expected one of train, dev, heldout"):
        list(bundled.read("test"))


def messages(problems: list[Problem]) -> list[str]:
    return [f"{problem.path.parent.name}/{problem.path.name}:{problem.line}: {problem.message}" for problem in problems]


def test_names_are_checked(corpus: Path) -> None:
    put(corpus, "train/nordpress-01-diplomacy.txt", "--C | One came.")
    put(corpus, "dev/nordpress-01-diplomacy.txt", "--C | Two came.")
    put(corpus, "dev/nordpress-02-sport.txt", "--C | Three came.")
    put(corpus, "dev/Nordpress.txt", "--C | Four came.")
    put(corpus, "dev/nordpress-03-sport.txt", "--C | Five came.", house="Nord Press", subject="sport")
    put(corpus, "dev/nord-03-sport.txt", "--C | Six came.", subject="sport")
    _, problems = bundled.check()
    told = messages(problems)
    assert "dev/nordpress-01-diplomacy.txt:1: expected a file name of its own" in " ".join(told)
    assert "dev/nordpress-02-sport.txt:2: expected the subject of the file name" in " ".join(told)
    assert "dev/Nordpress.txt:1: expected a file name like 'nordpress-01-diplomacy.txt'" in " ".join(told)
    assert "dev/nordpress-03-sport.txt:1: expected the house 'NordPress' as in nordpress-01" in " ".join(told)
    assert "dev/nord-03-sport.txt:1: expected the house's file names to start alike" in " ".join(told)


def test_held_out_houses_do_not_occur_in_train(corpus: Path) -> None:
    put(corpus, "train/nordpress-01-diplomacy.txt", "--C | One came.")
    put(corpus, "heldout/nordpress-02-diplomacy.txt", "--C | Two came.")
    _, problems = bundled.check()
    assert len(problems) == 1
    assert (
        "heldout/nordpress-02-diplomacy.txt:1: expected a house that does not occur in train" in messages(problems)[0]
    )


def test_near_duplicates_and_shared_runs_are_found(corpus: Path) -> None:
    shared = "the harbour was closed for nine hours after a crane fell on the northern quay of the port"
    put(corpus, "train/nordpress-01-diplomacy.txt", f"--- | Before.\n--C | On Monday {shared}.")
    put(corpus, "train/nordpress-02-diplomacy.txt", f"--C | Again {shared}!")
    put(corpus, "dev/nordpress-03-diplomacy.txt", f"--C | {shared.capitalize()}?")
    _, problems = bundled.check()
    near = [problem for problem in problems if "5-grams" in problem.message]
    runs = [problem for problem in problems if "words in a row" in problem.message]
    assert len(near) == 4  # two pairs of different splits, told of both files
    assert len(runs) == 6
    assert sum(problem.warning for problem in runs) == 2  # those of one split
    assert "train/nordpress-01-diplomacy.txt:5: shares 18 words in a row with" in messages(runs)[0]


def test_given_files_are_checked_against_the_rest(corpus: Path) -> None:
    put(corpus, "train/nordpress-01-diplomacy.txt", "--C | One came.")
    put(corpus, "train/broken-01-diplomacy.txt", "One came.")
    path = put(corpus, "heldout/nordpress-02-diplomacy.txt", "--C | Two came.")
    reports, problems = bundled.check([path])
    assert [each.path for each in reports] == [path]
    assert [problem.path for problem in problems] == [path]


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "far"),
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "pron"),
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "cueless"),
        ("--C | Ann left.", "unoff"),
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "plain"),
        ("--C | Ann left.", "denial"),
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "nested"),
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "scare"),
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "anon"),
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "two"),
        ("A-C | [s1 Ann] [q1 said] [c1 no].", "opposed"),
    ],
)
def test_a_doubtful_tag_is_a_warning(line: str, tag: str) -> None:
    (problem,) = bundled.doubtful_tags(report(f"{line}  #{tag}"))
    assert problem.warning
    assert problem.message.startswith(f"#{tag}: expected ")


def test_borne_out_tags_are_no_warning() -> None:
    assert list(bundled.doubtful_tags(parse(PORT, Path(NAME)))) == []


def test_the_corpus_is_sound() -> None:
    _, problems = bundled.check()
    assert [str(problem) for problem in problems if not problem.warning] == []


# -- the command ------------------------------------------------------------------------------------------------------


def test_check_says_what_is_wrong_and_fails(corpus: Path) -> None:
    path = put(corpus, f"train/{NAME}", "A-- | No.")
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 1
    assert result.stdout == f"{path}:4: expected a cue or content span in a sentence with A, found none\n"
    assert result.stderr == "sound: 0 reports, 0 sentences; errors: 1; warnings: 0\n"


def test_check_is_quiet_about_a_sound_corpus(corpus: Path) -> None:
    path = put(corpus, f"train/{NAME}", "--- | No.")
    result = CliRunner().invoke(app, ["check", str(path)])
    assert (result.exit_code, result.stdout) == (0, "")


def test_format_makes_canonical_what_is_sound(corpus: Path) -> None:
    loose = put(corpus, f"dev/{NAME}", "\n\n--- | No.   #other ")
    broken = put(corpus, "dev/nordpress-02-diplomacy.txt", "No. ")
    before = broken.read_bytes()
    result = CliRunner().invoke(app, ["format"])
    assert (result.exit_code, result.stderr) == (0, "rewritten: 1 of 2 reports\n")
    assert loose.read_text(encoding="utf-8") == "house: NordPress\nsubject: diplomacy\n\n--- | No.  #other\n"
    assert broken.read_bytes() == before


def test_brat_and_back(corpus: Path) -> None:
    path = put(corpus, f"dev/{NAME}", "A-- | [s1! He] [q1 said] [c1 no].")
    before = path.read_text(encoding="utf-8")
    run = CliRunner().invoke
    assert run(app, ["brat-export", str(corpus / "brat"), "--split", "dev"]).exit_code == 0
    assert (corpus / "brat" / "annotation.conf").is_file()
    assert run(app, ["brat-import", str(corpus / "brat"), str(corpus / "back")]).exit_code == 0
    assert (corpus / "back" / NAME).read_text(encoding="utf-8") == before
    ann = corpus / "brat" / "nordpress-01-diplomacy.ann"
    ann.write_text("T1 broken\n", encoding="utf-8")
    result = run(app, ["brat-import", str(corpus / "brat"), str(corpus / "back")])
    assert result.exit_code == 1
    assert f"{ann}:1: " in result.stderr


def test_stats_are_printed_without_the_wire_corpus(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_CORPORA", str(corpus / "none"))
    put(corpus, f"dev/{NAME}", "A-- | [s1! He] [q1 said] [c1 no].")
    for arguments in (["stats"], ["stats", "--json"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0
        assert "Hard cases" in result.stdout
        assert "corpora/wire is not there" in result.stderr
