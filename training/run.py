"""One training run: corpora in, a run folder out, resumable after a kill.

The run folder holds config.json, environment.json, data.json (what is trained on), ranking.json (weights of linking and
resolution), tokenizer.json, metrics.jsonl (one line an epoch), checkpoint-*/ (one an epoch, the last and the best are
kept) and, at the end, model/ (the best epoch's weights, safetensors).
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from torch.utils.data import DataLoader
from tqdm.auto import tqdm
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    EarlyStoppingCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from sayso.data.corpora import available, load_golds
from sayso.data.schema import Facet, Gold, Role
from sayso.models.artifact import MANIFEST, Manifest
from sayso.models.network import SaysoConfig, SaysoModel, torch_encode
from sayso.models.pipeline import tag
from sayso.models.windows import load_tokenizer
from sayso.training.base import find_base, has_bf16
from sayso.training.config import TrainingConfig, load_config
from sayso.training.evaluate import evaluate, text_hash
from sayso.training.features import POSITION_LABELS, TokenBudgetBatches, collate, examples
from sayso.training.metrics import primary_metric
from sayso.training.packing import unpack
from sayso.training.ranking import fit
from sayso.training.teacher import Teacher

RANKING = "ranking.json"
LABELS = ("facet_labels", "role_labels", "block_starts", "role_weights", "judged_labels")


class RunExistsError(FileExistsError):
    """A new run would overwrite another; one line."""


class EpochLoader(DataLoader):
    """A DataLoader that tells its batch sampler which epoch begins."""

    def set_epoch(self, epoch: int) -> None:
        self.batch_sampler.set_epoch(epoch)


class SaysoTrainer(Trainer):
    """`Trainer` with token-budget batches, layer-wise rates, and an evaluation that decodes whole articles."""

    def __init__(self, *, config: TrainingConfig, tokenizer: Tokenizer, ranking: dict[str, Any], **kwargs: Any):
        super().__init__(**kwargs)
        self.run_config, self.tokenizer, self.ranking = config, tokenizer, ranking

    def get_train_dataloader(self) -> DataLoader:
        batches = TokenBudgetBatches(self.train_dataset["length"], self.run_config.batch_tokens, self.run_config.seed)
        return EpochLoader(self.train_dataset, batch_sampler=batches, collate_fn=self.data_collator)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, self.run_config), betas=(0.9, 0.98))
        return self.optimizer

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        started = time.time()
        manifest = blank_manifest(self.run_config, self.model, self.tokenizer, self.ranking)
        tag_text = partial(tag, encode=torch_encode(self.model), tokenizer=self.tokenizer, manifest=manifest)
        scores = evaluate(self.eval_dataset, tag_text, manifest.thresholds)
        figures = {corpus: s.figures() for corpus, s in scores.items()}
        metrics = {
            f"{metric_key_prefix}_{corpus}_{name}": value for corpus, f in figures.items() for name, value in f.items()
        }
        metrics[f"{metric_key_prefix}_primary"] = primary_metric(figures)
        metrics[f"{metric_key_prefix}_seconds"] = round(time.time() - started, 1)
        self.log(metrics)
        with (Path(self.args.output_dir) / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"epoch": self.state.epoch, "step": self.state.global_step} | metrics) + "\n")
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def parameter_groups(model: SaysoModel, config: TrainingConfig) -> list[dict[str, Any]]:
    """AdamW groups: heads at head_lr; encoder layers at lr, times layer_decay for each layer below the top."""
    layers = model.encoder.config.num_hidden_layers
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name in ("role_transitions", "role_starts"):
            rate = 10 * config.head_lr  # a few numbers that must travel far
        elif not name.startswith("encoder."):
            rate = config.head_lr
        else:
            depth = int(name.split(".layer.")[1].split(".")[0]) + 1 if ".layer." in name else 0
            rate = config.lr * config.layer_decay ** (layers - depth)
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": p, "lr": rate, "weight_decay": decay} for (rate, decay), p in groups.items()]


def blank_manifest(
    config: TrainingConfig, model: SaysoModel, tokenizer: Tokenizer, ranking: dict[str, Any]
) -> Manifest:
    """The manifest of a model that nobody has calibrated yet: thresholds 0.5, logits as they are."""
    cls, sep = tokenizer.encode("").ids
    return Manifest(
        name="sayso",
        version="0",
        encoder=config.encoder,
        facets=tuple(Facet),
        roles=tuple(Role),
        thresholds={facet.value: 0.5 for facet in Facet},
        temperatures={facet.value: 1.0 for facet in Facet},
        biases={facet.value: 0.0 for facet in Facet},
        transitions=model.role_transitions.tolist(),
        starts=model.role_starts.tolist(),
        window=config.window,
        context=config.context,
        cls=cls,
        sep=sep,
        **ranking,
    )


def train(config: TrainingConfig, run_dir: Path, resume: bool = False) -> Path:
    """Train and leave the best epoch's weights in run_dir/model; returns that folder.

    `RunExistsError` where run_dir already holds a run and `resume` is not set.
    """
    checkpoints = sorted(run_dir.glob("checkpoint-*"))
    if (run_dir / "config.json").exists() and not resume:
        raise RunExistsError(f"{run_dir} already holds a run: choose another --run, or --resume it")
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "config.json").write_text(json.dumps(config.to_json(), indent=1) + "\n", encoding="utf-8")
    (run_dir / "environment.json").write_text(json.dumps(environment(), indent=1) + "\n", encoding="utf-8")
    set_seed(config.seed)

    base = find_base(config.encoder)
    folder = run_dir / "model"
    AutoTokenizer.from_pretrained(base).backend_tokenizer.save(str(run_dir / "tokenizer.json"))
    tokenizer = load_tokenizer(str(run_dir / "tokenizer.json"))
    cls, sep = tokenizer.encode("").ids
    train_golds = load_golds(config.corpora, "train", config.limit)
    dev_golds = load_golds(config.dev, "dev", config.limit)
    data = {name: data_record(golds) for name, golds in train_golds.items()}
    (run_dir / "data.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    every = [g for golds in train_golds.values() for g in golds]
    ranking = fit(every)
    (run_dir / RANKING).write_text(json.dumps(ranking) + "\n", encoding="utf-8")
    rows = list(
        examples(
            tqdm(every, desc="reading", disable=None),
            tokenizer,
            window=config.window,
            context=config.context,
            cls=cls,
            sep=sep,
            facets=tuple(Facet),
            roles=tuple(Role),
            codebook_roles=config.codebook_roles,
            teacher=load_teacher(Path(config.teacher)) if config.teacher else None,
        )
    )
    model = build_model(config, base)
    freeze(model, config.frozen)
    trainer = SaysoTrainer(
        config=config,
        tokenizer=tokenizer,
        ranking=ranking,
        model=model,
        args=TrainingArguments(
            output_dir=str(run_dir),
            num_train_epochs=config.epochs,
            lr_scheduler_type="linear",
            warmup_steps=config.warmup,
            max_grad_norm=1.0,
            bf16=config.bf16 == "yes" or (config.bf16 == "auto" and has_bf16()),
            use_cpu=not torch.cuda.is_available(),
            eval_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=2,  # the best and the last
            load_best_model_at_end=True,
            metric_for_best_model="eval_primary",
            greater_is_better=True,
            logging_steps=50,
            report_to=[],
            seed=config.seed,
            remove_unused_columns=False,
            label_names=[*LABELS, *POSITION_LABELS],
        ),
        train_dataset=Dataset.from_list(rows),
        eval_dataset=dev_golds,
        data_collator=partial(collate, pad=model.encoder.config.pad_token_id),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=config.patience)],
    )
    trainer.train(resume_from_checkpoint=resume and bool(checkpoints))
    trainer.model.save_pretrained(folder)
    return folder


def load_teacher(run_dir: Path) -> Teacher:
    """The model of a finished run."""
    model = SaysoModel.from_pretrained(run_dir / "model")
    tokenizer = load_tokenizer(str(run_dir / "tokenizer.json"))
    ranking = json.loads((run_dir / RANKING).read_text(encoding="utf-8"))
    manifest = blank_manifest(load_config(run_dir / "config.json"), model, tokenizer, ranking)
    return Teacher(model, tokenizer, manifest, run_dir / "taught")


def data_record(golds: Sequence[Gold]) -> dict[str, Any]:
    """How many documents a model was trained on, the digest of their ids and texts, and the hash of each text."""
    digest = hashlib.sha256()
    for gold in golds:
        digest.update(f"{gold.document.id}\0{gold.document.text}\0".encode("utf-8", "surrogatepass"))
    hashes = [text_hash(gold.document.text) for gold in golds]
    return {"documents": len(golds), "digest": "sha256:" + digest.hexdigest(), "hashes": hashes}


def build_model(config: TrainingConfig, base: str) -> SaysoModel:
    """The weights of config.init, else fresh heads on the base encoder; dropout and loss weights as configured."""
    settings = {key: getattr(config, key) for key in ("window", "context", "dropout", "role_weight", "facet_weight")}
    settings["int8"] = config.int8 == "yes"
    # dropout on attention weights rules out the fused kernel, which more than halves the speed on a CPU
    dropout = {"attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": config.dropout}
    artifact = (Path(config.init) / MANIFEST).is_file()
    if not config.init or artifact:
        encoder_config = AutoConfig.from_pretrained(base, **dropout)
        encoder = AutoModel.from_pretrained(base, config=encoder_config, use_safetensors=True, add_pooling_layer=False)
        model = SaysoModel.from_encoder(encoder, **settings)
        if artifact:
            model.load_state_dict(unpack(Path(config.init)))
        return model
    model_config = SaysoConfig.from_pretrained(config.init, **settings)
    model_config.encoder |= dropout
    return SaysoModel.from_pretrained(config.init, config=model_config)


def freeze(model: SaysoModel, frozen: str) -> None:
    """No gradients, and no dropout, below what is trained: "embeddings", or a number of layers and all beneath them."""
    if frozen == "none":
        return
    model.encoder.get_input_embeddings().requires_grad_(False)
    if frozen.isdecimal():
        layers = model.encoder.encoder
        shared = [layers.relative_attention_bias] if hasattr(layers, "relative_attention_bias") else []
        for module in (model.encoder.embeddings, *layers.layer[: int(frozen)], *shared):
            module.requires_grad_(False)
            for part in module.modules():
                if isinstance(part, torch.nn.Dropout):
                    part.p = 0.0


def environment() -> dict[str, str]:
    """Versions and machine, for the record."""
    packages = ("torch", "transformers", "tokenizers", "datasets", "numpy")
    return {name: version(name) for name in packages} | {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "command": " ".join(["sayso", *sys.argv[1:]]),
    }


def main(config_file: Path | None, overrides: list[str], run_dir: Path, resume: bool) -> None:
    """`sayso train`: a resumed run keeps its own config."""
    own = run_dir / "config.json"
    config = load_config(own if resume and own.exists() else config_file, overrides)
    auto = {"corpora": ("bundled", "polnear", "wire", "newsmtsc"), "dev": ("bundled", "polnear", "wire")}
    chosen = {key: available(names) for key, names in auto.items() if getattr(config, key) == ("auto",)}
    config = replace(config, **chosen)
    print(f"training on {', '.join(config.corpora)}; tuning on {', '.join(config.dev)}", file=sys.stderr)
    folder = train(config, run_dir, resume)
    print(f"{folder}: trained; export it with `sayso export {run_dir} DIR`", file=sys.stderr)
