"""The model card as Markdown: pure functions from the figures of a run to the page people read.

Equal figures give equal bytes: no date, no path of the machine, no set that is not sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from serving.classifier.explaining import Region, Word
from serving.classifier.fusion import State
from serving.classifier.prediction import Prediction
from serving.listing.labels import Code, Labels, described
from stages.common.flatten import flatten
from stages.common.markdown import figure, plain, share, table
from stages.evaluation.accepted_codes import accepted_codes
from stages.evaluation.examples import Example
from stages.evaluation.scores import INTERVAL

CODES = 60
"""Codes whose scores are listed."""

WEAK = 5
"""Codes listed as weak: those with the lowest F1."""

CONFUSIONS = 10
"""Pairs of codes listed as confused."""

ACCEPTED_CODES = 50
"""Codes listed with the precision of what is accepted: a page is read to there, of 2,000 codes
too."""

_SHOWN_DESIGNATION, _SHOWN_DESCRIPTION = 80, 120
"""Characters of an example's texts that are shown."""

_SHOWN_PARTS = 5
"""Words, and regions, shown of an example."""

_GROUPS = {"text alone": "text_only", "picture alone": "image_only", "both, fused": "both"}
_EVIDENCE: dict[State, str] = {"text": "text alone", "image": "picture alone", "both": "both"}


@dataclass(frozen=True)
class Facts:
    """All that the card says of a run.

    `identity` is the sha256 of the classifier's manifest, `manifest` its content; `source` and
    `options` say in words and for the command line where the data come from; `data` and
    `evaluation` are the metrics; `labels` the codes' names; `codes`, `confusion` and `reliability`
    the tables of `evaluate`, the second with the near-duplicate `group` of each test product;
    `acceptance` is what has a least confidence that is accepted, `thresholds` that of each state,
    `own` that of a code by state and name, and `fusion` what they rest on; `seeds` by parameter.
    """

    identity: str
    manifest: Mapping[str, Any]
    source: str
    options: str
    synthetic: bool
    seeds: Mapping[str, int]
    data: Mapping[str, Any]
    labels: Labels
    evaluation: Mapping[str, Any]
    codes: pd.DataFrame
    confusion: pd.DataFrame
    reliability: pd.DataFrame
    acceptance: Literal["state", "code"]
    thresholds: Mapping[State, float]
    own: Mapping[State, Mapping[str, float]]
    fusion: Mapping[State, Mapping[str, Any]]
    examples: Mapping[str, Example | None]


def model_card(facts: Facts) -> str:
    """The whole page, ending in a newline."""
    sections = (
        _purpose(facts),
        _model(facts),
        _data(facts),
        _scores(facts),
        _calibration(facts),
        _acceptance(facts),
        _accepted_codes(facts),
        *_levels(facts.evaluation),
        _wrong(facts.confusion),
        _codes(facts),
        _examples(facts.examples, facts.labels),
        _reproduction(facts),
    )
    return "\n\n".join(sections) + "\n"


def _purpose(facts: Facts) -> str:
    card = f"""# Model card

Assigns one of {facts.data["codes"]} product type codes to a marketplace listing, from its title, \
its description and its picture. The texts or the picture may be missing. Every answer carries a \
calibrated probability and says whether it may stand without a person looking at it.

**For** sorting a catalogue of the kind it was trained on, with people who review what is not \
accepted.

**Not for** other languages, other kinds of shops or codes it has not seen, without training anew; \
nor for anything but the type of a product: not whether it may be sold, is safe, is genuine or \
suits an age. A listing that fits none of the codes is still given one; only its probability may \
tell.

All figures below are those of one run of the pipeline, written by its stage `describe`."""
    if facts.synthetic:
        card += """

**The catalogue of this run is synthetic.** Its scores say that the pipeline works, not how well \
it codes a real catalogue."""
    return card


def _model(facts: Facts) -> str:
    parameters = facts.manifest["parameters"]
    rows = [(f"`{section}`", _listed(values)) for section, values in sorted(parameters.items())]
    libraries = sorted(facts.manifest["libraries"].items())
    return f"""## Model

Branches that read the text or the picture, each an ONNX graph, and a fusion with a calibration of \
its own for texts alone, pictures alone and both. Manifest: sha256 `{facts.identity}`; it names \
the sha256 of every file.

{table(("part", "parameters"), rows, left=2)}

Made with {", ".join(f"{name} {version}" for name, version in libraries)}."""


def _listed(values: Mapping[str, Any]) -> str:
    """Parameters in the order of their names, nested ones with their path; of the file of
    pretrained weights its name, not where it lay."""
    shown = {name: str(value) for name, value in flatten(values).items() if value is not None}
    if "weights" in shown:
        shown["weights"] = shown["weights"].replace("\\", "/").rpartition("/")[2]
    return ", ".join(f"{plain(name)} {plain(value)}" for name, value in sorted(shown.items()))


def _data(facts: Facts) -> str:
    data = facts.data
    corrected = ""
    if "corrected" in data:
        corrected = (
            f" Reviewers corrected or added {figure(data['corrected'])} products; "
            f"{figure(data['corrected_left_out'])} of them are among the rows left out."
        )
    parts = table(
        ("part", "what for", "products"),
        (
            ("train", "training the branches", figure(data["train"])),
            ("validation", "calibration, acceptance", figure(data["validation"])),
            ("test", "the scores below, and nothing else", figure(data["test"])),
            ("unlabelled", "answered by `predict`", figure(data["unlabelled"])),
        ),
        left=2,
    )
    return f"""## Data

{facts.source}. {figure(data["labelled"])} labelled products. Rows left out, with \
their reasons in `data/prepared/rejected.csv`: {figure(data["rejected"])}.

{parts}

{share(data["with_designation"])} have a designation (title), \
{share(data["with_description"])} a description, {share(data["with_picture"])} a picture. The \
rarest code has {figure(data["smallest_code"])} products. The parts are drawn within each code; \
{figure(data["near_duplicates"])} near-duplicates (same designation up to case, accents and \
punctuation, or same picture) stay in the part of the product they repeat, the largest group has \
{figure(data["largest_group"])} products. {figure(data["in_large_groups"])} products are of \
{figure(data["large_groups"])} groups that are larger than a part's share of their code: all of \
them are trained on. Placeholders, pictures under many titles of several codes, which are no \
evidence of duplication: {figure(data["placeholders"])}, of \
{figure(data["with_placeholder"])} products.{corrected}"""


def _scores(facts: Facts) -> str:
    names = ("products", "accuracy", "weighted_f1", "macro_f1", "log_loss", "calibration_error")
    groups = {"all test products": facts.evaluation}
    groups |= {title: facts.evaluation[key] for title, key in _GROUPS.items()}
    rows = [
        (title, *(figure(scores.get(name)) for name in names)) for title, scores in groups.items()
    ]
    both = facts.evaluation["both"]
    header = ("", *(name.replace("_", " ").replace("f1", "F1") for name in names))
    section = f"""## Scores

On the test products, by the code that serves. Pictures of them that cannot be read, so that their \
products are scored by what else they have: {figure(facts.evaluation["unreadable_pictures"])}.

{table(header, rows)}"""
    if both["products"]:
        section += f"""

On products with both, the text alone has a weighted F1 of \
{figure(both["text_alone_weighted_f1"])}, the picture alone \
{figure(both["image_alone_weighted_f1"])}."""
    return section


def _calibration(facts: Facts) -> str:
    rows = [
        (figure(row.confidence), figure(row.accuracy), figure(int(row.products)), share(row.share))
        for row in facts.reliability.itertuples()
    ]
    return f"""## Calibration

How sure the answers were, and how many of them were right. The expected calibration error is the \
mean gap between the two, {figure(facts.evaluation["calibration_error"])}.

{table(("mean confidence", "right", "products", "of all answers"), rows, left=0)}"""


def _acceptance(facts: Facts) -> str:
    accepted = facts.evaluation["accepted"]
    asked = share(accepted["asked_precision"], 0)
    states = [
        (state, name, facts.thresholds[state])
        for state, name in _EVIDENCE.items()
        if state in facts.thresholds
    ]
    learnt = [
        (
            name,
            figure(least) if least <= 1 else "never accepted",
            *(figure(facts.fusion[state].get(key)) for key in _LEARNT),
            facts.fusion[state]["learnt_from"],
        )
        for state, name, least in states
    ]
    tested = [
        (name, *_kept(figures))
        for name, figures in (
            *((name, accepted["states"][state]) for state, name, _ in states),
            ("all, with those that have neither", accepted),
        )
    ]
    of_all = facts.evaluation["products"]
    coverage = [
        (f"{percent} %", share(reached), figure(round(reached * of_all)))
        for percent, reached in sorted(
            facts.evaluation["coverage_at"].items(), key=lambda item: float(item[0])
        )
    ]
    outcome = (
        f"{share(accepted['coverage'])} of the test products are accepted, "
        f"{share(accepted['precision'])} of them right "
        f"({figure(accepted['accepted_right'])} of {figure(accepted['accepted'])}; "
        f"{share(INTERVAL, 0)} interval {_interval(accepted)})."
        if accepted["accepted"]
        else "No test product is accepted."
    )
    return f"""## Acceptance

An answer is accepted from the confidence from which, with a certainty of \
{share(accepted["certainty"], 0)}, {asked} of new answers are right. Held-out products prove it: \
by how many near-duplicate groups of them are accepted, and how few of these are wrong. \
{_rule(facts)} {outcome}

{table(_TESTED, tested)}

The interval is that of the precision on new products; near-duplicates count together. The least \
confidence{" of codes without one of their own" if facts.own else ""}, and the held-out products \
that acceptance rests on:

{table(("evidence", "least confidence", "products", "groups", "accepted", "right", "from"), learnt)}

With hindsight, the largest share of the test products that could have been accepted from one \
confidence on:

{table(("right", "accepted", "products"), coverage)}"""


def _rule(facts: Facts) -> str:
    """Whether evidence or codes have a least confidence, and how many codes do."""
    setting = f"`evaluate.acceptance: {facts.acceptance}`"
    if facts.acceptance == "state":
        return f"The confidence is that of the evidence, whatever the code ({setting})."
    counts = ", ".join(
        f"{name} {figure(len(facts.own.get(state, ())))}"
        for state, name in _EVIDENCE.items()
        if state in facts.thresholds
    )
    return (
        "The confidence is that of the answer's own code where held-out answers with it prove one, "
        "else the one that answers with all other codes prove together for their evidence "
        f"({setting}). Codes with a confidence of their own, of {figure(len(facts.codes))}: "
        f"{counts}. Of these, {share(facts.evaluation['accepted']['certainty'], 0)} at least keep "
        "the promise on average."
    )


def _accepted_codes(facts: Facts) -> str:
    """The precision of what was accepted with each code, the worst first."""
    codes = accepted_codes(facts.confusion)
    section = "## Accepted, by code"
    if codes.empty:
        return f"{section}\n\nNo test product is accepted."
    shown, rest = codes.head(ACCEPTED_CODES), codes.tail(-ACCEPTED_CODES)
    rows = [
        (
            plain(row["code"]),
            figure(row["accepted"]),
            figure(row["right"]),
            share(row["precision"]),
            _interval(row),
            *([_own(facts, row["code"])] if facts.acceptance == "code" else []),
        )
        for row in shown.to_dict("records")
    ]
    header = ("answered as", "accepted products", "right", "precision", "interval")
    own = ("confidence of its own",) if facts.acceptance == "code" else ()
    section += f"""

A precision of all can hide a code that is far below it. The worst are first, by the upper end of \
the {share(INTERVAL, 0)} interval (exact, Clopper–Pearson; near-duplicates count together): how \
good the code can be at best. Of many intervals, some miss. Codes of which nothing is accepted: \
{figure(len(facts.codes) - len(codes))}.

{table((*header, *own), rows)}"""
    if len(rest):
        section += f"""

Left out, as none of them is worse: {figure(len(rest))} codes, \
{figure(int(rest["right"].sum()))} of {figure(int(rest["accepted"].sum()))} products right."""
    return section


def _own(facts: Facts, code: str) -> str:
    """The thresholds of a code's own, with their evidence."""
    own = [
        f"{name} {figure(facts.own[state][code])}"
        for state, name in _EVIDENCE.items()
        if code in facts.own.get(state, ())
    ]
    return ", ".join(own) or "–"


_TESTED = ("evidence", "test products", "accepted", "right", "wrong", "precision", "interval")
_LEARNT = ("products", "groups", "accepted", "accepted_right")
"""Of a state's figures, what its threshold rests on."""


def _kept(figures: Mapping[str, Any]) -> tuple[str, ...]:
    """Answers, accepted, right, wrong, precision and its interval."""
    count, right = figures["accepted"], figures["accepted_right"]
    counts = (figures["answers"], count, right, count - right)
    return *map(figure, counts), share(figures["precision"]), _interval(figures)


def _interval(figures: Mapping[str, Any]) -> str:
    if figures["low"] is None:
        return "–"
    return f"{share(figures['low'])} to {share(figures['high'])}"


def _levels(evaluation: Mapping[str, Any]) -> Iterator[str]:
    """A section where codes stand under others."""
    if "levels" not in evaluation:
        return
    rows = [
        (level, figure(of["accuracy"]), figure(of["weighted_f1"]), figure(of["macro_f1"]))
        for level, of in evaluation["levels"].items()
    ]
    kept = [(level, *_kept(of["stand_here"])[1:]) for level, of in evaluation["levels"].items()]
    yield f"""## Levels

How right the answers are at the levels above their codes, 1 the most general:

{table(("level", "accuracy", "weighted F1", "macro F1"), rows)}

Where a code may not stand, what it stands under may. These stand at the level and no deeper:

{table(("level", "stand here", "right", "wrong", "precision", "interval"), kept)}"""


def _codes(facts: Facts) -> str:
    def row(code: Any) -> tuple[str, ...]:
        scores = (figure(value) for value in (code.f1, code.precision, code.recall))
        return plain(code.code), *scores, figure(int(code.support))

    header = ("code", "F1", "precision", "recall", "products")
    tested = facts.codes[facts.codes["support"] > 0]
    weak = tested.sort_values("f1", kind="stable").head(WEAK)
    untested = len(facts.codes) - len(tested)
    note = f" {untested} codes have no test product." if untested else ""
    frequent = facts.codes.sort_values("support", ascending=False, kind="stable").head(CODES)
    shown = frequent.sort_index()
    if len(facts.codes) > CODES:
        note += f" Shown are the {CODES} with most of them, of {figure(len(facts.codes))} codes."
    rows = [(*row(code), _taken_for(facts.confusion, code.code)) for code in weak.itertuples()]
    return f"""## Codes

{table(header, map(row, shown.itertuples()))}

Few products make an uncertain score: mind the last column.{note} The weakest codes, and what \
their products are most often taken for:

{table((*header, "taken for"), rows)}"""


def _taken_for(confusion: pd.DataFrame, code: str) -> str:
    """The code most often answered wrongly for `code`; the first by name among equals."""
    wrong = confusion[(confusion["actual"] == code) & (confusion["predicted"] != code)]
    counts = wrong.groupby("predicted").size().sort_index()
    if counts.empty:
        return "–"
    return f"{plain(str(counts.idxmax()))} ({counts.max()})"


def _wrong(confusion: pd.DataFrame) -> str:
    """What nobody would have looked at first, then what people would have seen."""
    wrong = confusion["actual"] != confusion["predicted"]
    accepted = confusion["accepted"]
    sections = []
    for title, answers in (
        ("Accepted and wrong", accepted),
        ("Sent to review and wrong", ~accepted),
    ):
        count = f"{figure(int((wrong & answers).sum()))} of {figure(int(answers.sum()))} products."
        sections.append(f"## {title}\n\n{count}")
        if (wrong & answers).any():
            sections[-1] += f" Most frequent:\n\n{_pairs(confusion, wrong & answers)}"
    return "\n\n".join(sections)


def _pairs(confusion: pd.DataFrame, shown: pd.Series) -> str:
    of_code = confusion["actual"].value_counts()
    counts = sorted(
        confusion[shown].groupby(["actual", "predicted"]).size().items(),
        key=lambda item: (-item[1], item[0]),
    )
    rows = [
        (plain(actual), plain(predicted), figure(int(count)), share(count / of_code[actual], 0))
        for (actual, predicted), count in counts[:CONFUSIONS]
    ]
    return table(("is", "answered as", "products", "of the code"), rows, left=2)


def _examples(examples: Mapping[str, Example | None], labels: Labels) -> str:
    shown = (f"### {kind}\n\n{_example(example, labels)}" for kind, example in examples.items())
    return "\n\n".join(
        (
            "## Explanations",
            "Test products, the first of each kind. The effect of a word or of a cell of the "
            "picture is by how much the log-odds of the answered code fall without it, in nats: "
            "above 0 what speaks for the code, below 0 what speaks against it.",
            *shown,
        )
    )


def _example(example: Example | None, labels: Labels) -> str:
    if example is None:
        return "There is none among the test products looked at."
    prediction, explanation = example.prediction, example.explanation
    parts = [
        ("Designation", plain(example.text.designation, _SHOWN_DESIGNATION)),
        ("Description", plain(example.text.description, _SHOWN_DESCRIPTION)),
        ("Answer", _answer(prediction, example.actual, labels)),
        ("Words", ", ".join(map(_word, _largest(explanation.words)))),
        ("Picture", "; ".join(map(_region, _largest(explanation.regions)))),
    ]
    return "\n".join(f"- {name}: {text or 'none'}" for name, text in parts)


def _answer(prediction: Prediction, actual: Code, labels: Labels) -> str:
    is_right = prediction.code == actual
    verdict = "right" if is_right else f"wrong: {plain(described(actual, labels[actual]))}"
    accepted = "accepted" if prediction.accepted else "to be reviewed"
    return (
        f"{plain(described(prediction.code, labels[prediction.code]))}, {verdict}; confidence "
        f"{figure(prediction.confidence)}, {accepted}; from {_EVIDENCE[prediction.state]}"
    )


def _largest(parts: Sequence[Any]) -> list[Any]:
    """The parts with the largest effects, for the code first; none that rounds to nothing."""
    felt = [part for part in parts if abs(round(part.effect, 2)) > 0]
    kept = sorted(felt, key=lambda part: -abs(part.effect))[:_SHOWN_PARTS]
    return sorted(kept, key=lambda part: -part.effect)


def _word(word: Word) -> str:
    return f"“{plain(word.word, _SHOWN_DESIGNATION)}” ({word.field}) {word.effect:+.2f}"


def _region(region: Region) -> str:
    across, down = (
        f"{100 * start:.0f}–{100 * end:.0f} %"
        for start, end in ((region.left, region.right), (region.top, region.bottom))
    )
    return f"left {across}, top {down}: {region.effect:+.2f}"


def _reproduction(facts: Facts) -> str:
    seeds = ", ".join(f"`{name}` {seed}" for name, seed in facts.seeds.items())
    return f"""## How to reproduce

In a clone at the commit that holds this card:

```sh
make repro      # runs what dvc.lock does not already hold
```

`params.yaml` there holds every parameter, `dvc.lock` the hash of everything that went in and came \
out, and `requirements/dev.txt` every library with its hash. Seeds: {seeds}. On one kind of \
processor the bits are the same; on another the scores agree within a tolerance.

To start from the defaults instead: `dvc exp run {facts.options}`, and what differs from them."""
