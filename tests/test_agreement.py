"""Agreement of two annotations, on figures that can be worked out by hand. All text is made up."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from test_inline import PORT
from typer.testing import CliRunner

from sayso.corpus_cli import app
from sayso.data.agreement import Agreement, bare, bare_name, compare, compare_folders, f1, kappa, match
from sayso.data.bundled import gold
from sayso.data.corpora import CorpusError
from sayso.data.inline import parse
from sayso.data.report import Report

NAME = "nordpress-01-diplomacy.txt"
HEAD = "house: NordPress\nsubject: diplomacy\n\n"


def report(body: str) -> Report:
    return parse(f"{HEAD}{body}\n", Path(NAME))


def compared(first: str, second: str) -> Agreement:
    agreement = Agreement()
    compare(agreement, report(first), report(second))
    return agreement


def rows(agreement: Agreement) -> dict[object, tuple[object, ...]]:
    return {row[0]: row[1:] for table in agreement.tables() for row in table.rows}


def test_kappa_of_the_textbook() -> None:
    pairs = {(1, 1): 20, (1, 0): 5, (0, 1): 10, (0, 0): 15}
    assert kappa(Counter(pairs)) == pytest.approx(0.4)  # observed 0.7, by chance 0.5
    assert kappa(Counter()) is None
    assert kappa(Counter({(1, 1): 3})) == 1.0
    assert kappa(Counter({(1, 0): 3})) == 0.0
    assert kappa(Counter({(1, 0): 3, (0, 1): 3})) == -1.0


def test_f1() -> None:
    assert f1(1, 1, Counter(first=2, second=1)) == pytest.approx(2 / 3)
    assert f1(0, 0, Counter(first=2, second=0)) == 0.0
    assert f1(0, 0, Counter(first=2, second=2)) == 0.0
    assert f1(0, 0, Counter()) is None


def test_the_same_annotation_agrees_wholly() -> None:
    agreement = Agreement()
    compare(agreement, *(parse(PORT, Path(NAME)) for _ in range(2)))
    assert agreement.differences == []
    assert all(row[-1] == 1.0 for table in agreement.tables() for row in table.rows if row[-1] is not None)
    assert rows(agreement)["source"] == (4, 4, 1.0, 1.0)
    assert rows(agreement)["official source"][:2] == (4, 1.0)


def test_differences_are_counted_and_told() -> None:
    agreement = compared(
        "AO- | [s1! The minister] [q1 called] [t1- the plan] [c1 a bad joke].\n--C | She left.",
        "A-- | The [s1 minister] [q1 called] [t1+ the plan] [c1 a bad joke].\n--- | She left.",
    )
    found = rows(agreement)
    assert found["attribution"] == (2, 1.0, 1.0)
    assert found["official_assessment"] == (2, 0.5, 0.0)
    assert found["source"] == (1, 1, 0.0, 1.0)
    assert found["content"] == (1, 1, 1.0, 1.0)
    assert found["official source"][:2] == (1, 0.0)
    assert found["polarity of a target that both mark"][:2] == (1, 0.0)
    assert found["resolved source: the same words"] == (1, 1.0)  # without the article they are
    assert [str(each) for each in agreement.differences] == [
        f"{NAME}:4: official_assessment: yes | no",
        f"{NAME}:4: stance: critical | supportive",
        f"{NAME}:4: source: 'The minister' | 'minister'",
        f"{NAME}:4: target: 'the plan' (critical) | 'the plan' (supportive)",
        f"{NAME}:4: official: yes | no",
        f"{NAME}:5: reported_claim: yes | no",
    ]


def test_resolved_sources_are_compared() -> None:
    agreement = compared(
        "--C | Ann Ode came.\nA-- | [s1 She] [q1 said] [c1 no].  @1=Ann Ode\nA-- | [c2 No] was [q2 reported].",
        "--C | Ann Ode came.\nA-- | [s1 She] [q1 said] [c1 no].  @1=Ode\nA-- | [c2 No] was [q2 reported].",
    )
    assert rows(agreement)["resolved source: the same words"] == (1, 0.0)
    assert rows(agreement)["resolved source: the same words or place"] == (1, 1.0)
    assert [str(each) for each in agreement.differences] == [f"{NAME}:5: resolved source: 'Ann Ode' | 'Ode'"]


def test_names_without_articles() -> None:
    assert bare_name("The Ministry of the Sea") == bare_name("ministry of sea")
    assert bare_name(None) is None


def test_attributions_are_matched_one_to_one_by_what_they_share() -> None:
    first = gold(report("A-- | [s1 He] [q1 said] [c1 yes] and [q2 denied] [c2 that it was so].")).document.attributions
    second = gold(report("A-- | [s1 He] [q1 said] [c1 yes and denied that it was so].")).document.attributions
    assert match(first, second) == [(first[1], second[0])]


def test_a_bare_report_tells_nothing() -> None:
    stripped = bare(parse(PORT.replace("\n\n", "\nnote: odd\n\n", 1), Path(NAME)))
    assert stripped.startswith(f"{HEAD}??? | Port talks productive — Transport Ministry\n\n??? | VARNHOLM")
    assert "\\[sic\\]" in stripped
    annotated = parse(stripped.replace("???", "---"), Path(NAME))
    assert annotated.text == parse(PORT, Path(NAME)).text


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("--- | Yes.\n--- | No!", 5, "'No.', found 'No!'"),
        ("--- | Yes.\n\n--- | No.", 6, "expected the sentence of"),
        ("--- | Yes.", 4, "expected 2 sentences"),
    ],
)
def test_another_text_is_refused(body: str, line: int, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        compared("--- | Yes.\n--- | No.", body)
    assert str(caught.value).startswith(f"{NAME}:{line}: ")
    assert message in str(caught.value)


def test_a_bare_copy_is_annotated_and_compared(tmp_path: Path) -> None:
    (tmp_path / "a" / "train").mkdir(parents=True)
    path = tmp_path / "a" / "train" / NAME
    path.write_text(PORT, encoding="utf-8")
    run = CliRunner().invoke
    assert run(app, ["bare", str(tmp_path / "b"), str(path)]).exit_code == 0
    assert run(app, ["bare", str(tmp_path / "b"), str(path)]).exit_code == 1  # it may be annotated by now
    second = tmp_path / "b" / NAME
    result = run(app, ["agreement", str(tmp_path / "a"), str(tmp_path / "b")])
    assert result.exit_code == 1
    assert f"{second}:4: expected three facets" in result.stderr
    second.write_text(second.read_text(encoding="utf-8").replace("???", "--C"), encoding="utf-8")
    result = run(app, ["agreement", str(tmp_path / "a"), str(tmp_path / "b"), "--json", "--differences"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["Categories"][2] == {"name": "attribution", "n": 5, "agreed": 0.2, "kappa": 0.0}
    assert f"{path}:4: attribution: yes | no" in result.stderr
    assert "kappa" in run(app, ["agreement", str(tmp_path / "a"), str(tmp_path / "b")]).stdout


def test_a_report_that_the_first_has_not_is_named(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(CorpusError, match="expected reports"):
        compare_folders(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / NAME).write_text(PORT, encoding="utf-8")
    with pytest.raises(CorpusError, match="none of that name there"):
        compare_folders(tmp_path / "a", tmp_path / "b")
