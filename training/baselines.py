"""What a model must beat, learned from the train split of the same corpus: each is something that tags a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from sayso.data.schema import Attribution, Document, Facet, Gold, Sentence, Span, primary_label
from sayso.data.segment import split_sentences
from sayso.data.variety import quoted_places
from sayso.training.evaluate import BY_SENTENCE, Tag

RARE, CERTAIN = 3, 0.5  # of a cue: at least so often in train, and at least this share of its words' places


def baselines(train: Sequence[Gold], tag: Tag) -> dict[str, Tag]:
    """Name to baseline; `tag` is the model that is measured, fed one sentence at a time in the last of them."""
    return {
        "majority": majority(train),
        "tf-idf + logistic regression": tf_idf(train),
        "cue lexicon + quotation marks": lexicon(train),
        BY_SENTENCE: partial(by_sentence, tag=tag),
    }


def _examples(train: Sequence[Gold], facet: Facet) -> tuple[list[str], list[int]]:
    found = [
        (sentence.text, int(sentence.facets[facet] >= 0.5))
        for gold in train
        for k, sentence in enumerate(gold.document.sentences)
        if k not in gold.masked and facet in sentence.facets
    ]
    return [text for text, _ in found], [value for _, value in found]


def _document(id: str, text: str, sentences: Sequence[Span], facets: Sequence[Mapping[Facet, float]]) -> Document:
    made = [
        Sentence(s.start, s.end, s.text, primary_label({each for each, p in f.items() if p >= 0.5}), f)
        for s, f in zip(sentences, facets, strict=True)
    ]
    return Document(id, text, tuple(made))


def _rates(train: Sequence[Gold]) -> dict[Facet, float]:
    truth = {facet: _examples(train, facet)[1] for facet in Facet}
    return {facet: sum(values) / len(values) for facet, values in truth.items() if values}


def majority(train: Sequence[Gold]) -> Tag:
    """Every facet has the share that it has in train."""
    rates = _rates(train)

    def tag(text: str, *, id: str, targets: Sequence[Span] | None = None) -> Document:
        sentences = split_sentences(text)
        return _document(id, text, sentences, [rates] * len(sentences))

    return tag


def tf_idf(train: Sequence[Gold]) -> Tag:
    """A logistic regression a facet on words and word parts of the sentence alone; needs scikit-learn."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    def learn(facet: Facet) -> object:
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        parts = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=3, sublinear_tf=True)
        return make_pipeline(make_union(words, parts), LogisticRegression(C=4, max_iter=300)).fit(
            *_examples(train, facet)
        )

    learned = {facet: learn(facet) for facet in _rates(train)}

    def tag(text: str, *, id: str, targets: Sequence[Span] | None = None) -> Document:
        sentences = split_sentences(text)
        texts = [s.text for s in sentences]
        p = {facet: model.predict_proba(texts)[:, 1] if texts else [] for facet, model in learned.items()}
        return _document(id, text, sentences, [{f: float(p[f][k]) for f in p} for k in range(len(texts))])

    return tag


def lexicon(train: Sequence[Gold]) -> Tag:
    """A word that is mostly a cue in train, or a quotation, makes an attribution: source before it, content after."""
    cues = Counter(s.text.casefold() for g in train for a in g.document.attributions for s in a.cue)
    text = "\n".join(g.document.text for g in train).casefold()
    common = [c for c, n in cues.items() if n >= RARE and c[:1].isalpha() and c[-1:].isalpha()]
    words = [c for c in common if cues[c] >= CERTAIN * len(re.findall(rf"\b{re.escape(c)}\b", text))]
    cue = re.compile(
        rf"\b(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True))) or '(?!)'})\b", re.IGNORECASE
    )
    rates = _rates(train)

    def tag(text: str, *, id: str, targets: Sequence[Span] | None = None) -> Document:
        quoted = quoted_places(text)
        sentences, facets, attributions = split_sentences(text), [], []
        for k, sentence in enumerate(sentences):
            found = next((m for m in cue.finditer(text, sentence.start, sentence.end) if m.start() not in quoted), None)
            within = [i for i in range(sentence.start, sentence.end) if i in quoted]
            holds = found is not None or len(within) > 15
            facets.append(rates | {Facet.ATTRIBUTION: float(holds)})
            if found is not None:
                before = [i for i in range(sentence.start, found.start()) if i not in quoted]
                start = max([i for i in before if i - 1 in quoted or i == sentence.start], default=found.start())
                content = (within[0], within[-1] + 1) if within else (found.end(), sentence.end)
                attributions.append(
                    Attribution(
                        (Span.of(text, found.start(), found.end()),),
                        _span(text, start, found.start()),
                        _span(text, *content),
                        (k,),
                    )
                )
        return replace(_document(id, text, sentences, facets), attributions=tuple(attributions))

    return tag


def _span(text: str, start: int, end: int) -> tuple[Span, ...]:
    body = text[start:end].strip(" ,.\n")
    return (Span.of(text, at := text.index(body, start), at + len(body)),) if body else ()


def by_sentence(text: str, *, id: str, tag: Tag, targets: Sequence[Span] | None = None) -> Document:
    """What `tag` says of each sentence alone, without its neighbours, put together."""
    sentences: list[Sentence] = []
    attributions: list[Attribution] = []
    for span in split_sentences(text):
        alone = tag(span.text, id=id)
        first = len(sentences)
        sentences += [replace(s, start=s.start + span.start, end=s.end + span.start) for s in alone.sentences]
        attributions += [_moved(a, span.start, first) for a in alone.attributions]
    return Document(id, text, tuple(sentences), tuple(attributions))


def _moved(found: Attribution, by: int, first: int) -> Attribution:
    def move(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(Span(s.start + by, s.end + by, s.text) for s in spans)

    return replace(
        found,
        cue=move(found.cue),
        source=move(found.source),
        content=move(found.content),
        sentences=tuple(k + first for k in found.sentences),
        resolved_source=next(iter(move((found.resolved_source,))), None) if found.resolved_source else None,
        stance=tuple(replace(s, target=move((s.target,))[0]) for s in found.stance),
    )
