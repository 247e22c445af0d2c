"""Answer one product, and say why: `make predict-one TITLE=… [DESCRIPTION=…] [PICTURE=<file>]`.

No service is needed: the classifier that is there answers, as it would there. The words and the
parts of the picture that speak most for the answer, or against it, are listed below it.

Exit code: 0 it is answered, 2 there is nothing to read in it, or the picture or the classifier
cannot be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.classifier.explaining import Explanation, explain
from serving.classifier.prediction import Prediction, Product
from serving.listing.heads import MAX_BYTES
from stages.commands.batch.classifier import open_classifier
from stages.commands.console import print_table, table_lines
from stages.common.output import StageError

BEST = 5
_WIDTH = 20


def read_picture(path: Path) -> bytes:
    """The file. Raises StageError: it is none, or larger than any picture that is read."""
    if not path.is_file():
        raise StageError(f"PICTURE={path} is no file; expected a picture")
    if path.stat().st_size > MAX_BYTES:
        raise StageError(f"PICTURE={path} has over {MAX_BYTES:,} bytes, the most that are read")
    return path.read_bytes()


def bar(share: float) -> str:
    """A share as a bar and in percent."""
    return f"{'█' * round(share * _WIDTH):<{_WIDTH}} {share:6.1%}"


def reasons(explanation: Explanation) -> list[tuple[str, str]]:
    """What moved the answer, the strongest first, and by how many nats."""
    words = [(f"{word.field}: {word.word}", word.effect) for word in explanation.words]
    regions = [
        (
            f"picture: {region.left:.0%} to {region.right:.0%} from the left, "
            f"{region.top:.0%} to {region.bottom:.0%} from the top",
            region.effect,
        )
        for region in explanation.regions
    ]
    found = sorted((*words, *regions), key=lambda reason: -abs(reason[1]))
    return [(what, f"{effect:+.2f}") for what, effect in found]


def predict_one(
    title: Annotated[str, typer.Option(envvar="TITLE", help="Of the listing.")] = "",
    description: Annotated[str, typer.Option(envvar="DESCRIPTION", help="Its text.")] = "",
    picture: Annotated[Path | None, typer.Option(envvar="PICTURE", help="A file.")] = None,
) -> Prediction:
    """Answer one product with the classifier that is there, and say why."""
    image = read_picture(picture) if picture else None
    if not (title.strip() or description.strip() or image):
        raise StageError("nothing to answer; expected TITLE=…, DESCRIPTION=… or PICTURE=<file>")
    with open_classifier() as classifier:
        answer, explanation = explain(classifier, Product(title, description, image))
    if answer.image_error:
        print(f"The picture is not used: {answer.image_error}")
    if answer.state == "none" or explanation is None:
        raise StageError("the classifier found nothing to read in the product")
    verdict = "accepted" if answer.accepted else "to be reviewed"
    print(f"{answer.code}  {answer.path_in_words}  ({verdict})\n")
    best = (-answer.probabilities).argsort(kind="stable")[:BEST]
    rows = [
        (
            str(classifier.codes[column]),
            classifier.labels[classifier.codes[column]].name,
            bar(float(answer.probabilities[column])),
        )
        for column in best
    ]
    print(*table_lines(rows), sep="\n")
    print()
    print_table(("why", "nats"), reasons(explanation))
    return answer
