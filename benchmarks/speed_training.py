"""How fast sayso learns, beside a plain transformers Trainer: the same encoder, heads, labels and reports.

Plain is a sentence an example, 32 of them a batch in random order, padded to the longest, dropout and all weights as
the encoder comes. Ours is `sayso train`'s: windows of many sentences in batches of similar length, no dropout on
attention weights, embeddings frozen, bfloat16 where the machine has it. Counted are the word pieces of the reports,
each once: neither padding nor context.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from typing import Any

from datasets import Dataset
from speed import alternate
from transformers import AutoModel, AutoTokenizer, Trainer, TrainingArguments

from sayso.data.corpora import load
from sayso.data.schema import Facet, Role
from sayso.models.network import SaysoModel
from sayso.models.windows import load_tokenizer
from sayso.training.base import find_base
from sayso.training.config import TrainingConfig
from sayso.training.features import POSITION_LABELS, collate, examples
from sayso.training.run import LABELS, SaysoTrainer, build_model, has_bf16

REPORTS = 24
BATCH = 32  # sentences


def sentences(row: dict[str, Any], cls: int) -> Iterator[dict[str, Any]]:
    """The sentences of a window's example, an example each: [CLS] sentence [SEP]."""
    length, count = row["length"], len(row["facet_labels"])
    for k in range(count):
        at = [0, *(i for i, of in enumerate(row["sentence"]) if of == k)]  # position 0 is [CLS]
        single = dict(row)
        for key, value in row.items():
            if isinstance(value, list):
                single[key] = [value[i] for i in at] if len(value) == length else [value[k]]
        yield single | {"sentence": [-1, *[0] * (len(at) - 1)], "length": len(at)}


def measure(rounds: int) -> dict[str, Any]:
    """Seconds of an epoch over the same reports, round by round; and how many word pieces they have. JSON-ready."""
    config, base = TrainingConfig(), find_base("auto")
    golds = load("bundled", "train")[:REPORTS]
    with tempfile.TemporaryDirectory() as folder:
        AutoTokenizer.from_pretrained(base).backend_tokenizer.save(f"{folder}/tokenizer.json")
        tokenizer = load_tokenizer(f"{folder}/tokenizer.json")
        cls, sep, pad = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]", "[PAD]"))
        rows = list(
            examples(
                golds,
                tokenizer,
                window=config.window,
                context=config.context,
                cls=cls,
                sep=sep,
                facets=tuple(Facet),
                roles=tuple(Role),
                codebook_roles=config.codebook_roles,
            )
        )
        alone = [single for row in rows for single in sentences(row, cls)]
        pieces = sum(single["length"] - 2 for single in alone)
        ours = build_model(config, base)
        ours.encoder.get_input_embeddings().requires_grad_(False)
        encoder = AutoModel.from_pretrained(base, use_safetensors=True, add_pooling_layer=False)
        plain = SaysoModel.from_encoder(encoder, window=config.window, context=config.context)
        arguments = partial(
            TrainingArguments,
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            report_to=[],
            remove_unused_columns=False,
            label_names=[*LABELS, *POSITION_LABELS],
        )
        trainers = {
            "sayso": SaysoTrainer(
                config=config,
                tokenizer=tokenizer,
                ranking={},  # for evaluation alone
                model=ours,
                args=arguments(bf16=has_bf16()),
                train_dataset=Dataset.from_list(rows),
                data_collator=partial(collate, pad=pad),
            ),
            "plain Trainer, padded sentences": Trainer(
                model=plain,
                args=arguments(),
                train_dataset=Dataset.from_list(alone),
                data_collator=partial(collate, pad=pad),
            ),
        }
        seconds = alternate({name: trainer.train for name, trainer in trainers.items()}, rounds)
    return {"reports": len(golds), "pieces": pieces, "seconds": seconds}
