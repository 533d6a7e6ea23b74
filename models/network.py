"""The network: one small encoder, facets per sentence and roles per token on top (the only torch file of `models`).

Shapes: B windows, L positions, S sentences, H hidden, F facets, R roles, 3 tags (O, B, I).
Every head takes the encoder's (B, L, H) states; a corpus that does not annotate a head masks its labels with `IGNORE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

from sayso.data.schema import Facet, Polarity, Role
from sayso.models.pipeline import OUTPUTS, Encode
from sayso.models.windows import Logits, Window

IGNORE = -100
N_TAGS = 3
N_JUDGED = 2 + len(Polarity)  # per sentence: is its source official, does it evaluate, and its stance


class SaysoConfig(PretrainedConfig):
    """The encoder's configuration, the heads, and how a document is cut into windows."""

    model_type = "sayso"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        facets: list[str] | None = None,
        roles: list[str] | None = None,
        window: int = 384,
        context: int = 64,
        dropout: float = 0.1,
        int8: bool = False,
        role_weight: float = 1.0,
        facet_weight: float = 1.0,
        judged_weight: float = 0.5,
        **kwargs: Any,
    ) -> None:
        self.encoder = encoder or {"model_type": "bert"}
        self.facets = facets or [facet.value for facet in Facet]
        self.roles = roles or [role.value for role in Role]
        self.window = window
        self.context = context
        self.dropout = dropout
        self.int8 = int8
        self.role_weight = role_weight
        self.facet_weight = facet_weight
        self.judged_weight = judged_weight
        super().__init__(**kwargs)


@dataclass
class SaysoOutput(ModelOutput):
    """loss (), facet_logits (B, S, F), role_logits (B, L, R, 3), and see `sayso.models.windows.Logits`:

    judged_logits (B, S, 2 + 3), official_logits (B, L), polarity_logits (B, L, 3).
    """

    loss: Tensor | None = None
    facet_logits: Tensor | None = None
    role_logits: Tensor | None = None
    judged_logits: Tensor | None = None
    official_logits: Tensor | None = None
    polarity_logits: Tensor | None = None


class _Rounded(torch.autograd.Function):
    """Whole multiples of a scale; the gradient passes as if nothing were rounded (Bengio et al., 2013)."""

    @staticmethod
    def forward(_: Any, values: Tensor, scale: Tensor) -> Tensor:
        return torch.div(values, scale).round_().mul_(scale)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class Int8Linear(nn.Linear):
    """A linear layer that learns to multiply in int8 as the exported graph does (Jacob et al., CVPR 2018).

    Inputs are rounded to 255 steps between the extremes of their window, a row of weights to 64 either side of zero:
    products of 8 by 7 bits, two of which every processor adds without saturation. The extremes, of a few positions,
    are cut off at `limit`, or all steps would be as coarse as they ask for.
    """

    limit = 8.0
    rounds = True

    def forward(self, states: Tensor) -> Tensor:
        """(B, L, in) to (B, L, out)."""
        if not self.rounds:
            return super().forward(states.clamp(-self.limit, self.limit))
        exact = states.float().clamp(-self.limit, self.limit)
        window = exact.detach().flatten(1)
        span = window.amax(1).clamp(min=0) - window.amin(1).clamp(max=0)
        inputs = _Rounded.apply(exact, (span / 255).clamp(min=1e-9)[:, None, None])
        rows = (self.weight.detach().abs().amax(1, keepdim=True) / 64).clamp(min=1e-9)
        return F.linear(inputs.to(states.dtype), _Rounded.apply(self.weight, rows), self.bias)


class SaysoModel(PreTrainedModel):
    config_class = SaysoConfig
    base_model_prefix = "sayso"
    _supports_sdpa = True

    def __init__(self, config: SaysoConfig, encoder: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        settings = dict(config.encoder)
        model_type = settings.pop("model_type")
        self.encoder = encoder or AutoModel.from_config(
            AutoConfig.for_model(model_type, **settings), add_pooling_layer=False
        )
        if config.int8:
            for name, module in list(self.encoder.named_modules()):
                if isinstance(module, nn.Linear):
                    layer = Int8Linear(module.in_features, module.out_features)
                    layer.weight, layer.bias = module.weight, module.bias
                    if layer.in_features > self.encoder.config.hidden_size:  # after GELU
                        layer.limit = 4.0
                    self.encoder.set_submodule(name, layer)
        hidden = self.encoder.config.hidden_size
        # an encoder without segments is told of capitals by an embedding of our own
        self.capital = None if hasattr(self.encoder.embeddings, "token_type_embeddings") else nn.Embedding(2, hidden)
        self.dropout = nn.Dropout(config.dropout)
        # a facet may hang on a few words, so each pools its sentence with attention of its own
        self.facet_pool = nn.Linear(hidden, len(config.facets))
        self.facet_dense = nn.Linear(hidden, hidden)
        self.facet_out = nn.Linear(hidden, len(config.facets))
        # an official assessment is an evaluation by an official source: both are taught apart, and it rests on them
        self.judged_pool = nn.Linear(hidden, 3)
        self.judged_dense = nn.Linear(hidden, hidden)
        self.judged_out = nn.Linear(hidden, N_JUDGED)
        self.facet_from_judged = nn.Linear(2, len(config.facets), bias=False)
        self.token_out = nn.Linear(hidden, 1 + len(Polarity))
        self.role_out = nn.Linear(hidden, len(config.roles) * N_TAGS)
        # a linear-chain CRF a role (Lafferty et al., ICML 2001): score of each tag after each, and of each at a start
        self.role_transitions = nn.Parameter(torch.zeros(len(config.roles), N_TAGS, N_TAGS))
        self.role_starts = nn.Parameter(torch.zeros(len(config.roles), N_TAGS))
        self.post_init()

    @classmethod
    def from_encoder(cls, encoder: PreTrainedModel, **settings: Any) -> SaysoModel:
        """Fresh heads on a pretrained encoder; capitals begin as what small letters are to it."""
        model = cls(SaysoConfig(encoder=encoder.config.to_dict(), **settings), encoder)
        if model.capital is None:
            types = encoder.get_parameter("embeddings.token_type_embeddings.weight").data
            types[1] = types[0]
        else:
            model.capital.weight.data.zero_()
        return model

    def exact(self) -> SaysoModel:
        """Itself, rounding nothing from now on: to be exported, and to tell what rounding costs."""
        for layer in self.modules():
            if isinstance(layer, Int8Linear):
                layer.rounds = False
        return self

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None,
        token_type_ids: Tensor,
        sentence_mask: Tensor,
        facet_labels: Tensor | None = None,
        role_labels: Tensor | None = None,
        block_starts: Tensor | None = None,
        role_weights: Tensor | None = None,
        judged_labels: Tensor | None = None,
        official_labels: Tensor | None = None,
        polarity_labels: Tensor | None = None,
        role_targets: Tensor | None = None,
    ) -> SaysoOutput:
        """input_ids, attention_mask (None: no padding), token_type_ids (B, L); sentence_mask (B, S, L), padded with 0.

        token_type_ids: 1 where a piece begins with a capital. The vocabulary is uncased, and the encoder's second
        segment, of no use here, tells it what names and sentence starts look like.

        facet_labels (B, S, F) in [0, 1] or IGNORE; role_labels (B, L, R) in {O, B, I, IGNORE}; block_starts (B, L)
        bool: words that no span can reach from before; role_weights (B,): of each window's tags in the loss.
        judged_labels (B, S, 5), in [0, 1] or IGNORE: official, evaluates, each polarity as the stance; official_labels
        (B, L) on the words of sources; polarity_labels (B, L) on those of targets. Labels are all given or none.
        role_targets (B, L, R, 3), from a teacher: see `role_loss`.
        """
        inputs = {"input_ids": input_ids, "token_type_ids": token_type_ids}
        if self.capital is not None:
            words = self.encoder.get_input_embeddings()(input_ids)
            inputs = {"inputs_embeds": words + self.capital(token_type_ids)}
        states = self.encoder(attention_mask=attention_mask, **inputs).last_hidden_state  # (B, L, H)
        states = self.dropout(states)
        role_logits = self.role_out(states).unflatten(-1, (len(self.config.roles), N_TAGS))  # (B, L, R, 3)
        pooled = self._pool(self.facet_pool(states), states, sentence_mask)  # (B, F, S, H)
        hidden = self.dropout(F.gelu(self.facet_dense(pooled)))
        facet_logits = (hidden * self.facet_out.weight[:, None, :]).sum(-1).transpose(1, 2) + self.facet_out.bias
        official, evaluates, stance = self._pool(self.judged_pool(states), states, sentence_mask).unbind(1)
        stacked = torch.cat(
            [official[..., None, :], evaluates[..., None, :], stance[..., None, :].expand(-1, -1, 3, -1)], -2
        )
        hidden = self.dropout(F.gelu(self.judged_dense(stacked)))  # (B, S, 5, H)
        judged_logits = (hidden * self.judged_out.weight).sum(-1) + self.judged_out.bias
        facet_logits = facet_logits + self.facet_from_judged(judged_logits[..., :2])
        official_logits, polarity_logits = self.token_out(states).split([1, len(Polarity)], -1)
        official_logits = official_logits.squeeze(-1)
        loss = None
        if facet_labels is not None:
            assert role_labels is not None and block_starts is not None and role_weights is not None
            assert judged_labels is not None and official_labels is not None and polarity_labels is not None
            loss = self.config.role_weight * role_loss(
                role_logits.float(),
                role_labels,
                block_starts,
                role_weights,
                self.role_transitions,
                self.role_starts,
                role_targets,
            )
            loss = loss + self.config.facet_weight * facet_loss(facet_logits.float(), facet_labels)
            judged = facet_loss(judged_logits[..., :2].float(), judged_labels[..., :2])
            judged = judged + class_loss(judged_logits[..., 2:].float(), judged_labels[..., 2:])
            judged = judged + facet_loss(official_logits[..., None].float(), official_labels[..., None])
            known = (polarity_labels != IGNORE)[..., None]
            polarities = torch.where(known, F.one_hot(polarity_labels.clamp(min=0), len(Polarity)), IGNORE)
            judged = judged + class_loss(polarity_logits.float(), polarities)
            loss = loss + self.config.judged_weight * judged
        return SaysoOutput(
            loss=loss,
            facet_logits=facet_logits,
            role_logits=role_logits,
            judged_logits=judged_logits,
            official_logits=official_logits,
            polarity_logits=polarity_logits,
        )

    @staticmethod
    def _pool(scores: Tensor, states: Tensor, sentence_mask: Tensor) -> Tensor:
        """Attention over the positions of each sentence: scores (B, L, Q), states (B, L, H) to (B, Q, S, H)."""
        masked = scores.transpose(1, 2).unsqueeze(2).masked_fill(sentence_mask.unsqueeze(1) == 0, -1e4)
        return masked.softmax(-1) @ states.unsqueeze(1)


def torch_encode(model: SaysoModel) -> Encode:
    """Run a document's windows through the torch model, one by one as the graph does: padding would count in int8."""

    @torch.inference_mode()
    def encode(windows: Sequence[Window]) -> Iterator[Logits]:
        model.eval()
        for w in windows:
            ids, types, mask = (torch.from_numpy(x)[None].to(model.device) for x in (w.ids, w.types, w.sentence_mask))
            output = model(ids, None, types, mask)
            yield Logits(*(output[name][0].float().cpu().numpy() for name in OUTPUTS))

    return encode


def role_loss(
    logits: Tensor,
    labels: Tensor,
    block_starts: Tensor,
    weights: Tensor,
    transitions: Tensor,
    starts: Tensor,
    targets: Tensor | None = None,
) -> Tensor:
    """Negative log-likelihood of the annotated tag sequences under the CRFs; the weighted mean a word, times R.

    logits (B, L, R, 3), labels (B, L, R), block_starts (B, L), weights (B,), transitions (R, 3, 3), starts (R, 3).
    The chain of a window runs over its labelled words; at the first of them the tag before is unknown unless a block
    starts there. targets (B, L, R, 3): probabilities of the tags that a word's emissions are drawn to instead of its
    label alone (posterior distillation, Wang et al., ACL 2020, of single words).
    """
    batch, _, roles, tags = logits.shape
    known = labels != IGNORE
    count = (known * weights[:, None, None]).sum()
    words = known.any(-1)  # (B, L)
    width = int(words.sum(1).max())
    if width == 0:
        return logits.sum() * 0.0
    order = torch.argsort((~words).to(torch.uint8), dim=1, stable=True)[:, :width]  # (B, W), labelled words first

    def gather(x: Tensor) -> Tensor:
        """(B, L, R, ...) to (B * R, W, ...)."""
        rows = torch.arange(batch, device=x.device)[:, None]
        return x[rows, order].transpose(1, 2).flatten(0, 1)

    emit = gather(logits)  # (N, W, 3) for N = B * R
    gold = gather(labels)
    starting = gather(block_starts[:, :, None].expand(labels.shape))
    mask = gold != IGNORE
    gold = gold.clamp(min=0)
    trans, start = transitions.repeat(batch, 1, 1), starts.repeat(batch, 1)  # (N, 3, 3), (N, 3)

    total = _log_partition(emit, starting, mask, trans, start)
    first = emit[:, 0] + start * starting[:, 0, None]  # (N, 3)
    index = torch.arange(len(emit), device=emit.device)[:, None]
    before, after = gold[:, :-1], gold[:, 1:]
    moves = torch.where(starting[:, 1:], start[index, after], trans[index, before, after])
    moves = moves + emit[:, 1:].gather(-1, after[..., None])[..., 0]
    path = first.gather(-1, gold[:, :1])[:, 0] + (moves * mask[:, 1:]).sum(1)
    if targets is not None:
        hard = F.one_hot(gold, tags)
        path = path + ((gather(targets) - hard) * emit * mask[..., None]).sum((1, 2))
    return ((total - path) * mask[:, 0] * weights.repeat_interleave(roles)).sum() * roles / count.clamp(min=1)


def tag_marginals(logits: Tensor, block_starts: Tensor, transitions: Tensor, starts: Tensor) -> Tensor:
    """Probabilities of each word's tags under the CRFs, (W, R, 3): the gradient of the log-partition function.

    logits (W, R, 3) of the words of a document, block_starts (W,), transitions (R, 3, 3), starts (R, 3).
    """
    emit = logits.detach().transpose(0, 1).requires_grad_()  # (R, W, 3)
    starting = block_starts.expand(emit.shape[:2])
    total = _log_partition(emit, starting, torch.ones_like(starting), transitions.detach(), starts.detach())
    return torch.autograd.grad(total.sum(), emit)[0].transpose(0, 1)


def _log_partition(emit: Tensor, starting: Tensor, mask: Tensor, trans: Tensor, start: Tensor) -> Tensor:
    """(N,): of chains of emissions (N, W, 3); starting, mask (N, W), trans (N, 3, 3), start (N, 3)."""
    tags = emit.shape[-1]
    first = emit[:, 0] + start * starting[:, 0, None]  # (N, 3)
    # M[i, j]: score of tag j at a word whose predecessor has tag i; where a block starts, whatever i is
    steps = torch.where(starting[:, 1:, None, None], start[:, None, None, :], trans[:, None])
    steps = steps + emit[:, 1:, None, :]
    identity = torch.full((tags, tags), -1e4, device=emit.device).fill_diagonal_(0.0)
    steps = torch.where(mask[:, 1:, None, None], steps, identity)
    return torch.logsumexp((first[:, :, None] + _log_product(steps, identity)).flatten(1), -1)


def _log_product(steps: Tensor, identity: Tensor) -> Tensor:
    """Product of T log-space matrices in order, (N, T, 3, 3) to (N, 3, 3), by halving: log T sequential steps."""
    if steps.shape[1] == 0:
        return identity.expand(len(steps), -1, -1)
    while steps.shape[1] > 1:
        if steps.shape[1] % 2:
            steps = torch.cat([steps, identity.expand(len(steps), 1, -1, -1)], 1)
        left, right = steps[:, 0::2], steps[:, 1::2]
        steps = torch.logsumexp(left[..., :, :, None] + right[..., None, :, :], -2)
    return steps[:, 0]


def facet_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy, (B, S, F) against (B, S, F); the mean over what is annotated, times F."""
    known = labels != IGNORE
    losses = F.binary_cross_entropy_with_logits(logits, labels.clamp(min=0).to(logits.dtype), reduction="none")
    return (losses * known).sum() * labels.shape[-1] / known.sum().clamp(min=1)


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, (..., C) against probabilities (..., C); the mean over what is annotated, 0 where nothing is."""
    known = labels[..., 0] != IGNORE
    losses = -(labels * logits.log_softmax(-1)).sum(-1)
    return losses[known].sum() / known.sum().clamp(min=1)
