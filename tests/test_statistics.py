"""Figures about corpora, on texts small enough to count by hand. All text is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sayso.data import variety
from sayso.data.bundled import gold
from sayso.data.inline import parse
from sayso.data.report import Report
from sayso.data.schema import Gold
from sayso.data.statistics import Table, count_table, label_table, near_duplicates, shared_runs, tag_table, words


def figures(table: Table) -> dict[Any, Any]:
    """The rows by name: the figure, or several."""
    return {row[0]: row[1] if len(row) == 2 else row[1:] for row in table.rows}


def report(body: str, name: str = "nordpress-01-diplomacy") -> Report:
    return parse(f"house: NordPress\nsubject: diplomacy\n\n{body}\n", Path(f"train/{name}.txt"))


def record(body: str) -> Gold:
    return gold(report(body))


def test_words() -> None:
    assert words("The ministry's 1,200-ton 5.1 pct rise — NO.") == [
        "the",
        "ministry's",
        "1,200-ton",
        "5.1",
        "pct",
        "rise",
        "no",
    ]


# -- near-duplicates --------------------------------------------------------------------------------------------------


def test_containment_finds_a_short_text_in_a_long_one() -> None:
    texts = ["a b c d e f", "x y a b c d e f z w v u t s r q", "k l m n o p"]
    assert near_duplicates(texts, 0.9) == [(0, 1, 1.0)]
    assert near_duplicates(["a b c d e f g", "a b c d e x y"], 0.3) == [(0, 1, 1 / 3)]
    assert near_duplicates(["a b c d e f g", "a b c d e x y"], 0.4) == []


def test_the_longest_shared_run_of_a_pair_is_told() -> None:
    texts = ["Now one two three four. X a b c.", "A b c? One, two three FOUR five", "one two"]
    (run,) = shared_runs(texts, 3)
    assert (run.words, run.text) == (4, "one two three four")
    assert run.places == ((0, texts[0].index("one")), (1, texts[1].index("One")))
    assert shared_runs(texts, 5) == []


def test_a_repetition_inside_a_text_is_no_shared_run() -> None:
    assert shared_runs(["a b c a b c a b c", "x"], 3) == []


# -- tables -----------------------------------------------------------------------------------------------------------


def test_counts_and_shares() -> None:
    golds = [record("AO- | [s1! He] [q1 praised] [t1+ her].\n--C | [s1! She] left."), record("--- | Why?")]
    table = count_table("Splits", {"all": golds})
    assert table.rows == (("all", 2, 3, 6, 1),)
    shares = figures(label_table({"all": golds, "none": []}))
    assert shares["facet attribution"] == (pytest.approx(1 / 3), None)
    assert shares["label other"] == (pytest.approx(1 / 3), None)
    assert shares["sentence stance supportive"] == (pytest.approx(1 / 3), None)
    assert shares["attribution official"] == (1.0, None)
    assert shares["target supportive"] == (1.0, None)


def test_hard_cases_are_counted() -> None:
    rows = figures(tag_table({"all": [report("--- | Why?  #other\n--- | How?  #other #scare")]}))
    assert (rows["#other"], rows["#scare"], rows["#far"]) == (2, 1, 0)


# -- variety ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('A-- | [c1 "We wait,"] [s1 he] [q1 said].', "direct"),
        ("A-- | [c1 “We wait,”] [s1 he] [q1 said].", "direct"),
        ("A-- | [c1 ``We wait,''] [s1 he] [q1 said].", "direct"),
        ("A-- | [c1 'We wait, we wait,'] [s1 he] [q1 said].", "direct"),
        ("A-- | [s1 He] [q1 said] [c1 they wait].", "indirect"),
        ("A-- | [s1 He] [q1 said] [c1 the boys' boat isn't there].", "indirect"),
        ('A-- | [s1 He] [q1 said] [c1 they "wait and see"].', "mixed"),
        ('A-- | [s1 He] [q1 said]: [c1 "We wait.]\nA-- | [c1 We hope."]', "direct"),
        ('A-- | [s1 He] [q1 said]: [c1 "We wait.]\n\nA-- | [c1 "We hope."]', "direct"),
    ],
)
def test_quotation(body: str, kind: str) -> None:
    document = record(body).document
    (attribution,) = document.attributions
    assert variety.quotation(attribution.content, variety.quoted_places(document.text)) == kind


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("A-- | [s1 He] [q1 said] [c1 no].", "before"),
        ('A-- | [c1 "No,"] [q1 said] [s1 he].', "after"),
        ('A-- | [c1 "No,"] [q1 said] [s1 he], [c1 "not now."]', "inside"),
        ('--- | [s1 Ann] left.\nA-- | [c1 "No."]', "elsewhere"),
        ('A-- | [c1 "No."]', "none"),
    ],
)
def test_where_the_source_stands(body: str, place: str) -> None:
    found = record(body)
    assert variety.source_place(found, found.document.attributions) == place


def test_continuations_are_joined() -> None:
    body = 'A-- | [s1 The ministry] [q1 said]: [c1 "No.]\nA-- | [c2 Never."]  @2=ministry\n\n'
    body += "A-- | [s3 Bo] [q3 said] [c3 yes]."
    groups = variety.joined(record(body).document.attributions)
    assert [len(group) for group in groups] == [2, 1]


def test_corpora_are_compared_on_samples_of_one_size() -> None:
    few = [record("A-- | [s1 He] [q1 said] [c1 no].\n--C | She left.")]
    many = [
        gold(report(f"A-- | [s1 He] [q1 {cue}] [c1 it].\n--C | They left {cue}.", f"x-0{i}-diplomacy"))
        for i, cue in enumerate(["denied", "knew", "said", "wrote"])
    ]
    table = variety.compare({"few": few, "many": many})
    rows = figures(table)
    assert table.columns == ("", "few", "many")
    assert rows["sentences in the sample"] == (2, 2)
    assert rows["cues in the sample"] == (1, 1)
    assert rows["distinct cues per 1,000"] == (1000, 1000)
    assert rows["quotation: indirect"] == (1.0, 1.0)
    assert rows["source before the content"] == (1.0, 1.0)


def test_self_similarity() -> None:
    golds = [record(f"--C | {text}.") for text in ("a b c d e f", "a b c d e x", "p q r s t u")]
    rows = figures(variety.compare({"all": golds}))
    assert rows["5-grams of a report found in another: mean"] == pytest.approx(1 / 3)
    assert rows["5-grams of a report found in another: max"] == 0.5
    assert rows["5-grams of a report shared with one other: max"] == 0.5
    assert rows["5-grams found in several reports"] == pytest.approx(1 / 5)


def test_an_empty_corpus_has_figures_too() -> None:
    rows = figures(variety.compare({"none": []}))
    assert rows["distinct cues per 1,000"] is None
