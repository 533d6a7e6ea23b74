"""Overfit, predict, save, load, export: the same answers all the way, on a tiny model made here."""

import itertools
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, MPNetConfig, MPNetModel

from sayso.data.corpora import load_golds
from sayso.data.schema import Facet, Gold, Label, Polarity, Role
from sayso.data.wire import read
from sayso.inference.runtime import OnnxEncode
from sayso.inference.tagger import Tagger
from sayso.models import artifact as artifacts
from sayso.models.network import IGNORE, SaysoModel, class_loss, facet_loss, role_loss, tag_marginals, torch_encode
from sayso.models.pipeline import BY_SENTENCE, OUTPUTS, Encode, confidence, tag
from sayso.models.windows import Logits, load_tokenizer, tokenize, windows
from sayso.training.base import BaseModelError, find_base
from sayso.training.config import ConfigError, TrainingConfig, load_config
from sayso.training.evaluate import evaluate
from sayso.training.export import ExportError, export, export_fp32
from sayso.training.features import TokenBudgetBatches, examples
from sayso.training.packing import pack, unpack
from sayso.training.run import SaysoTrainer, load_teacher, train


@pytest.fixture
def golds(corpora: Path) -> list[Gold]:
    return list(read(corpora, "dev"))


def test_overfit_save_load_export_give_the_same_score(run: Path, artifact: Path, golds: list[Gold]) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    best = max(line["eval_primary"] for line in lines)
    assert best == 1.0, "a tiny model must be able to learn six sentences by heart"

    tagger = Tagger.load(artifact)
    model = SaysoModel.from_pretrained(run / "model")
    tag_torch = partial(
        tag,
        encode=torch_encode(model),
        tokenizer=load_tokenizer(str(run / "tokenizer.json")),
        manifest=tagger.manifest,
    )
    loaded, shipped = (
        evaluate({"wire": golds}, each, tagger.manifest.thresholds)["wire"].figures()
        for each in (tag_torch, tagger.tag)
    )
    assert loaded["label_macro"] == 1.0
    assert shipped == loaded
    text = golds[0].document.text
    a, b = tag_torch(text, id="x"), tagger.tag(text, "x")
    assert [s.label for s in a.sentences] == [s.label for s in b.sentences]
    assert [x.content for x in a.attributions] == [x.content for x in b.attributions]
    assert b.model == tagger.manifest.info


def test_graph_gives_the_logits_of_the_model(run: Path, golds: list[Gold], tmp_path: Path) -> None:
    exact, rounded = SaysoModel.from_pretrained(run / "model").exact(), SaysoModel.from_pretrained(run / "model")
    export_fp32(exact, tmp_path / "fp32.onnx")
    pack(tmp_path / "fp32.onnx", tmp_path / "int8.onnx")
    sentences = [s.span for s in golds[0].document.sentences]
    pieces = tokenize(load_tokenizer(str(run / "tokenizer.json")), sentences)
    cut = windows(pieces, len(sentences), size=48, context=8, cls=2, sep=3)
    assert len(cut) > 2
    off = {}
    for graph, model in (("fp32", exact), ("int8", rounded), ("int8", exact)):
        pairs = zip(OnnxEncode(tmp_path / f"{graph}.onnx")(cut), torch_encode(model)(cut), strict=True)
        off[graph, model] = max(
            np.abs(a - b).max() for raw, expected in pairs for a, b in zip(raw, expected, strict=True)
        )
    assert off["fp32", exact] < 1e-4
    assert off["int8", rounded] < off["int8", exact] / 2, "training rounds as the graph does"


def test_padding_does_not_change_an_answer(run: Path) -> None:
    model = SaysoModel.from_pretrained(run / "model").exact().eval()
    ids = torch.randint(5, 40, (2, 20))
    attention, types = torch.ones_like(ids), (ids % 2)
    attention[1, 12:] = 0
    sentences = torch.zeros((2, 2, 20), dtype=torch.bool)
    sentences[:, 0, 1:12] = True
    with torch.inference_mode():
        both = model(ids, attention, types, sentences)
        alone = model(ids[1:, :12], attention[1:, :12], types[1:, :12], sentences[1:, :1, :12])
    for name in OUTPUTS:
        rows = 1 if name in BY_SENTENCE else 12
        torch.testing.assert_close(both[name][1:, :rows], alone[name], atol=1e-5, rtol=1e-4)


def free_crf(roles: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(roles, 3, 3), torch.zeros(roles, 3)


def test_a_missing_annotation_is_masked() -> None:
    logits = torch.randn(2, 3, 1, 3, requires_grad=True)
    labels = torch.full((2, 3, 1), IGNORE)
    opens = torch.zeros(2, 3, dtype=torch.bool)
    assert role_loss(logits, labels, opens, torch.ones(2), *free_crf(1)).item() == 0
    labels[0, 0, 0] = 1
    role_loss(logits, labels, opens, torch.ones(2), *free_crf(1)).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0].abs().sum() > 0 and logits.grad[1].abs().sum() == 0
    assert facet_loss(torch.randn(1, 2, 3), torch.full((1, 2, 3), IGNORE)).item() == 0
    assert facet_loss(torch.zeros(1, 1, 1), torch.ones(1, 1, 1).long()).item() == pytest.approx(np.log(2))
    assert class_loss(torch.randn(1, 2, 3), torch.full((1, 2, 3), IGNORE)).item() == 0
    halves = torch.tensor([[0.5, 0.5, 0.0], [IGNORE] * 3])
    logits = torch.tensor([[0.0, np.log(3.0), np.log(4.0)], [5.0, 0.0, 0.0]])
    assert class_loss(logits, halves).item() == pytest.approx((np.log(8) + np.log(8 / 3)) / 2)


def test_role_loss_is_the_likelihood_of_the_sequence() -> None:
    """Against all sequences counted one by one: a gap, a block that starts inside, a role that nobody annotated."""
    torch.manual_seed(3)
    logits, moves, starts = torch.randn(1, 6, 2, 3), torch.randn(2, 3, 3), torch.randn(2, 3)
    labels = torch.full((1, 6, 2), IGNORE)
    positions, gold = [0, 1, 3, 5], [0, 1, 2, 1]
    labels[0, positions, 0] = torch.tensor(gold)
    opens = torch.zeros(1, 6, dtype=torch.bool)
    opens[0, [0, 5]] = True

    def score(tags: tuple[int, ...]) -> torch.Tensor:
        total = starts[0, tags[0]] + sum(logits[0, p, 0, t] for p, t in zip(positions, tags, strict=True))
        return total + moves[0, tags[0], tags[1]] + moves[0, tags[1], tags[2]] + starts[0, tags[3]]

    sequences = list(itertools.product(range(3), repeat=4))
    every = torch.stack([score(tags) for tags in sequences])
    expected = (every.logsumexp(0) - score(tuple(gold))) * 2 / 4  # times R, a word
    torch.testing.assert_close(
        role_loss(logits, labels, opens, torch.full((1,), 0.5), moves, starts), expected, atol=1e-4, rtol=1e-4
    )

    # a teacher's probabilities stand for the tags in the emissions' part of the score
    marginals = tag_marginals(logits[0, positions], opens[0, positions], moves, starts)
    weights = (every - every.logsumexp(0)).exp()
    for place, tag_ in itertools.product(range(4), range(3)):
        share = weights[[k for k, tags in enumerate(sequences) if tags[place] == tag_]].sum()
        torch.testing.assert_close(marginals[place, 0, tag_], share, atol=1e-4, rtol=1e-4)
    targets = torch.zeros(1, 6, 2, 3)
    targets[0, positions] = marginals
    soft = score(tuple(gold)) + sum(
        ((marginals[k, 0] - torch.eye(3)[gold[k]]) * logits[0, p, 0]).sum() for k, p in enumerate(positions)
    )
    torch.testing.assert_close(
        role_loss(logits, labels, opens, torch.full((1,), 0.5), moves, starts, targets),
        (every.logsumexp(0) - soft) * 2 / 4,
        atol=1e-4,
        rtol=1e-4,
    )


def test_a_larger_model_teaches(base: Path, corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The teacher has an encoder without segments (MPNet's), its lower layer frozen; the student learns its halves."""
    monkeypatch.setenv("SAYSO_CORPORA", str(corpora))
    tokenizer = AutoTokenizer.from_pretrained(base)
    sizes = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    encoder = MPNetModel(MPNetConfig(vocab_size=len(tokenizer), **sizes), add_pooling_layer=False)
    encoder.save_pretrained(tmp_path / "large")
    tokenizer.save_pretrained(tmp_path / "large")
    common = TrainingConfig(corpora=("wire",), dev=("wire",), window=96, batch_tokens=192, epochs=1, bf16="no")
    train(replace(common, encoder=str(tmp_path / "large"), frozen="1"), tmp_path / "teacher")
    taught = SaysoModel.from_pretrained(tmp_path / "teacher" / "model")
    own, trained = encoder.state_dict(), taught.encoder.state_dict()
    moved = {name.split(".layer.")[-1][0] for name in own if not torch.equal(own[name], trained[name])}
    assert moved == {"1"}
    assert taught.capital is not None and taught.capital.weight.abs().sum() > 0

    teacher = load_teacher(tmp_path / "teacher")
    golds = load_golds(("wire",), "train")["wire"]
    options = {"window": 96, "context": 16, "cls": 2, "sep": 3, "facets": tuple(Facet), "roles": tuple(Role)}
    for row in examples(golds, teacher.tokenizer, codebook_roles=1.0, teacher=teacher, **options):
        known = np.array(row["role_labels"]) != IGNORE
        targets = np.array(row["role_targets"])[known]
        assert targets.sum(-1) == pytest.approx(1, abs=1e-2)
        right = np.take_along_axis(targets, np.array(row["role_labels"])[known][:, None], -1)
        assert (right >= 0.5).all() and (targets.max(-1) < 1).any()
        assert all(0 < p < 1 for labels in row["facet_labels"] for p in labels)  # of sentences nobody annotated too
        judged = np.array(row["judged_labels"])
        attributed = np.array(row["facet_labels"])[:, list(Facet).index(Facet.ATTRIBUTION)] >= 0.5
        assert (judged[:, :2] > 0).all() and ((judged[:, 2:] == IGNORE).all(1) == ~attributed).all()
        assert judged[attributed, 2:].sum(1) == pytest.approx(1, abs=1e-2)
    kept = sorted((tmp_path / "teacher" / "taught").iterdir())
    assert len(kept) == len(golds)

    monkeypatch.setattr(type(teacher.model), "forward", None)  # what is kept is not asked for again
    again = load_teacher(tmp_path / "teacher")
    np.testing.assert_array_equal(again(golds[0]).roles, teacher(golds[0]).roles)
    monkeypatch.undo()
    monkeypatch.setenv("SAYSO_CORPORA", str(corpora))
    train(replace(common, encoder=str(base), teacher=str(tmp_path / "teacher")), tmp_path / "student")
    assert (tmp_path / "student" / "model" / "model.safetensors").exists()


def test_a_released_model_can_be_trained_on(
    base: Path, run: Path, artifact: Path, corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_CORPORA", str(corpora))
    trained, unpacked = SaysoModel.from_pretrained(run / "model").state_dict(), unpack(artifact)
    assert unpacked.keys() == trained.keys()
    for name, weight in unpacked.items():
        if name not in ("role_transitions", "role_starts"):  # tuned at the export
            torch.testing.assert_close(weight, trained[name], atol=2e-3, rtol=1e-2)
    config = TrainingConfig(corpora=("wire",), dev=("wire",), encoder=str(base), init=str(artifact), window=96)
    config = replace(config, context=16, batch_tokens=192, epochs=1, lr=1e-9, head_lr=1e-9, bf16="no")
    train(config, tmp_path / "run")
    line = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    assert line["eval_primary"] == 1.0, "what the artifact knows, the model knows from the first step"


def test_examples_carry_the_annotation(golds: list[Gold], run: Path) -> None:
    tokenizer = load_tokenizer(str(run / "tokenizer.json"))
    roles = tuple(Role)
    rows = list(
        examples(
            golds, tokenizer, window=96, context=16, cls=2, sep=3, facets=tuple(Facet), roles=roles, codebook_roles=0.5
        )
    )
    begun = sum((np.array(row["role_labels"]) == 1).sum(0) for row in rows)
    annotated = golds[0].document.attributions
    assert begun.tolist() == [len(annotated)] * 3 + [0]  # a source, a cue and a content each, no target
    facets = np.concatenate([np.array(row["facet_labels"]) for row in rows])
    assert facets.tolist() == [[int(s.facets[f]) for f in Facet] for s in golds[0].document.sentences]
    judged = np.concatenate([np.array(row["judged_labels"]) for row in rows])
    neutral = list(Polarity).index(Polarity.NEUTRAL)
    assert judged[:, 0].tolist() == [1, 0, 1, 1, 0, 0]  # an official source
    assert judged[:, 1].tolist() == [0, 0, 1, 0, 0, 0]  # evaluates
    stances = [neutral, None, neutral, neutral, None, None]
    assert judged[:, 2:].tolist() == [[IGNORE] * 3 if s is None else np.eye(3)[s].tolist() for s in stances]
    assert {label for row in rows for label in row["official_labels"]} == {1, IGNORE}


def test_an_unsure_label_is_left_out(artifact: Path, golds: list[Gold]) -> None:
    tagger = Tagger.load(artifact)
    text = golds[0].document.text
    sure = [confidence(s.label, s.facets) for s in tagger.tag(text).sentences if s.label]
    bar = sorted(sure)[len(sure) // 2]
    labels = [s.label for s in tagger.tag(text, min_confidence=bar).sentences]
    assert [label is None for label in labels] == [each < bar for each in sure] and None in labels
    assert {s.source for s in tagger.tag(text, min_confidence=1.0).sentences} == {None}


def test_confidence_is_of_the_label_and_not_of_a_facet() -> None:
    facets = {Facet.OFFICIAL_ASSESSMENT: 0.2, Facet.ATTRIBUTION: 0.9, Facet.REPORTED_CLAIM: 0.5}
    assert confidence(Label.ATTRIBUTION, facets) == pytest.approx(0.72)
    assert confidence(Label.OTHER, facets) == pytest.approx(0.04)
    assert sum(confidence(label, facets) for label in Label) == pytest.approx(1)


def test_batches_keep_the_budget_and_lose_nothing() -> None:
    lengths = [10, 384, 100, 90, 384, 32, 33] * 9
    batches = TokenBudgetBatches(lengths, 800, seed=1)
    first, count = list(batches), len(batches)
    assert len(first) == count
    assert sorted(i for batch in first for i in batch) == list(range(len(lengths)))
    assert all(max(lengths[i] for i in batch) * len(batch) <= 800 for batch in first)
    batches.set_epoch(1)
    assert list(batches) != first and len(batches) == count


def test_a_killed_run_resumes_to_the_same_end(
    base: Path, corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_CORPORA", str(corpora))
    settings = TrainingConfig(
        corpora=("wire",),
        dev=("wire",),
        encoder=str(base),
        window=96,
        batch_tokens=192,
        epochs=3,
        bf16="no",
        patience=9,
    )

    def metrics(name: str) -> list[dict[str, float]]:
        lines = map(json.loads, (tmp_path / name / "metrics.jsonl").read_text().splitlines())
        return [{k: v for k, v in line.items() if k != "eval_seconds"} for line in lines]

    train(settings, tmp_path / "whole")
    with pytest.raises(FileExistsError, match="--resume"):
        train(settings, tmp_path / "whole")

    measure = SaysoTrainer.evaluate

    def killed(self: SaysoTrainer, *args: object, **kwargs: object) -> dict[str, float]:
        if self.state.epoch == 3:
            raise KeyboardInterrupt
        return measure(self, *args, **kwargs)

    monkeypatch.setattr(SaysoTrainer, "evaluate", killed)
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "killed")
    monkeypatch.setattr(SaysoTrainer, "evaluate", measure)
    assert [line["epoch"] for line in metrics("killed")] == [1, 2]
    train(settings, tmp_path / "killed", resume=True)
    assert metrics("killed") == metrics("whole")


def test_config_files_and_overrides(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('corpora = ["wire"]\nepochs = 2\n')
    config = load_config(file, ["lr=1e-5", "dev=wire,polnear"])
    assert (config.corpora, config.dev, config.epochs, config.lr) == (("wire",), ("wire", "polnear"), 2.0, 1e-5)
    for bad, message in ((["speed=1"], "unknown key"), (["lr=fast"], "expected float"), (["lr"], "key=value")):
        with pytest.raises(ConfigError, match=message):
            load_config(None, bad)
    with pytest.raises(ConfigError, match="batch_tokens"):
        load_config(None, ["batch_tokens=10"])
    with pytest.raises(ConfigError, match="nowhere"):
        load_config(tmp_path / "nowhere.toml")


def test_only_safetensors(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(BaseModelError, match="safetensors"):
        find_base(str(tmp_path))


def test_artifact_is_what_the_manifest_says(artifact: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_CORPORA", str(corpora))
    manifest = artifacts.load(artifact).manifest
    assert manifest.data["wire"]["documents"] == 1
    assert manifest.scores["dev"]["wire"]["label_macro"] == 1.0
    assert set(manifest.parity) >= {"torch", "onnx_fp32", "shipped", "largest_loss"}
    card = (artifact / "README.md").read_text()
    assert "100.0" in card and "wire" in card
    assert set(load_golds(["wire"], "dev")) == {"wire"}


def test_a_run_that_cannot_be_shipped_is_refused(
    run: Path, corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_CORPORA", str(corpora))
    with pytest.raises(ExportError, match="expected a finished run"):
        export(tmp_path, tmp_path / "out", OnnxEncode)

    def broken(graph: Path) -> Encode:
        """What a graph might do that packing has ruined: every logit the other way round."""
        encode = OnnxEncode(graph)
        sign = -1 if graph.name == "model.onnx" else 1
        return lambda windows: (Logits(*(sign * each for each in logits)) for logits in encode(windows))

    with pytest.raises(ExportError, match=r"loses .* points on wire"):
        export(run, tmp_path / "out", broken)
    assert not (tmp_path / "out").exists()
