"""Ahead of what a user would write instead: a ratio measured in one run, so that the machine's speed cancels out."""

from __future__ import annotations

import statistics

import pytest

from sayso.data.corpora import load
from sayso.inference.tagger import Tagger
from sayso.models.artifact import GRAPH, bundled

# Times the speed of two transformers pipelines at batch 32, which multiply in float32.
FASTER = 3.0


@pytest.mark.skipif(not (bundled() / GRAPH).exists(), reason="no released model in this tree")
def test_tagging_outruns_pipelines_over_single_sentences() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import speed

    tagger = Tagger.load()
    texts = [gold.document.text for gold in load("bundled", "heldout")[:6]]
    pipes = speed.own_pipelines(tagger, None)
    systems = {"sayso": lambda: speed.sayso(tagger, texts), "pipelines": lambda: speed.instead(pipes, texts, 32)}

    def ratio() -> float:
        seconds = speed.alternate(systems, rounds=3)
        return statistics.median(seconds["pipelines"]) / statistics.median(seconds["sayso"])

    # once more before it counts: something else may have taken a core in the middle of a round
    assert (found := ratio()) >= FASTER or (found := ratio()) >= FASTER, f"{found:.2f} times"
