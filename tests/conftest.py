"""Tiny models and corpora, made here, so that every test runs offline in seconds."""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import settings

from sayso.data import bundled

settings.register_profile("sayso", deadline=None)  # a busy machine is no failure
settings.load_profile("sayso")


def annotate(text: str, sentences: list[tuple[str, list[str], list[tuple[str, str, str]]]]) -> list[dict[str, object]]:
    """Annotation as the wire corpus has it; a span is the first such words from the sentence's start on."""
    result: list[dict[str, object]] = []
    for words, facets, attributions in sentences:
        start = text.index(words)

        def span(part: str, start: int = start) -> list[int]:
            at = text.index(part, start)
            return [at, at + len(part)]

        result.append(
            {
                "start": start,
                "end": start + len(words),
                "facets": facets,
                "attributions": [
                    {
                        "source": span(source),
                        "cue": span(cue),
                        "content": [span(content)],
                        "resolved_source": span(source),
                        "official": True,
                        "stance": {"polarity": "neutral", "target": None},
                    }
                    for source, cue, content in attributions
                ],
            }
        )
    return result


CLAIM, ATTRIBUTED, ASSESSED = "reported_claim", "attribution", "official_assessment"
SENTENCES: list[tuple[str, list[str], list[tuple[str, str, str]]]] = [
    ("Bridge reopens — Works Office", [ATTRIBUTED, CLAIM], [("Works Office", "—", "Bridge reopens")]),
    ("VARNHOLM, May 4 (NordPress) — The dam held on Monday.", [CLAIM], []),
    ("The mayor said the valley was safe.", [ATTRIBUTED, ASSESSED], [("The mayor", "said", "the valley was safe")]),
    (
        '"Nobody was hurt," the police reported.',
        [ATTRIBUTED, CLAIM],
        [("the police", "reported", '"Nobody was hurt,"')],
    ),
    ("What happens next?", [], []),
    ("Ferries sail again.", [CLAIM], []),
]


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like $SAYSO_CORPORA that holds one tiny wire corpus, the same report in train and dev."""
    root = tmp_path_factory.mktemp("corpora")
    text = SENTENCES[0][0] + "\n" + " ".join(words for words, _, _ in SENTENCES[1:]) + "\n"
    for folder in ("wire", "wire_annotations"):
        (root / folder).mkdir()
    for split in ("train", "dev"):
        sentences = annotate(text, SENTENCES)
        report = {
            "id": f"tiny:{split}",
            "outlet": "NordPress",
            "text": text,
            "sentences": [[s["start"], s["end"]] for s in sentences],
        }
        annotation = {
            "id": f"tiny:{split}",
            "outlet": "NordPress",
            "split": split,
            "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "sentences": sentences,
        }
        (root / "wire" / f"{split}.json").write_text(json.dumps(report))
        (root / "wire_annotations" / f"{split}.json").write_text(json.dumps(annotation))
    return root


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of one layer and a word-piece vocabulary of letters, digits, punctuation and a few words."""
    import string

    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = ["the", "said", "mayor", "police", "reported", "dam", "held", "bridge", "ferries", "—", "nobody"]
    words += ["on", "monday", "was", "hurt"]
    letters = list(string.ascii_lowercase + string.digits)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *string.punctuation, *letters]
    vocabulary += ["##" + letter for letter in letters]
    vocabulary = list(dict.fromkeys(vocabulary))
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ends = [(name, vocabulary.index(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=128,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def run(base: Path, corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training run that has overfitted the tiny corpus."""
    from sayso.training.config import TrainingConfig
    from sayso.training.run import train

    run_dir = tmp_path_factory.mktemp("runs") / "tiny"
    config = TrainingConfig(
        corpora=("wire",),
        dev=("wire",),
        encoder=str(base),
        window=96,
        context=16,
        batch_tokens=192,
        epochs=120,
        lr=3e-3,
        head_lr=3e-3,
        layer_decay=1.0,
        dropout=0.0,
        patience=120,
        frozen="none",
        bf16="no",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAYSO_CORPORA", str(corpora))
        train(config, run_dir)
    return run_dir


@pytest.fixture(scope="session")
def artifact(run: Path, corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run, exported."""
    from sayso.inference.runtime import OnnxEncode
    from sayso.training.export import export

    folder = tmp_path_factory.mktemp("artifact") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAYSO_CORPORA", str(corpora))
        export(run, folder, OnnxEncode)
    return folder


@pytest.fixture(scope="session")
def ranking() -> dict[str, dict[str, list[float]]]:
    """The weights that a run on 240 reports of the bundled corpus has for linking and resolution."""
    from sayso.training.ranking import fit

    return fit(list(islice(bundled.read("train"), 240)))
