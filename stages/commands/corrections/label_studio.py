"""Label Studio's formats: the labelling interface, tasks with predictions, and annotations.

A code is chosen by a text that tells it with its name; where codes have levels, by the path of such
texts from the most general one. (https://labelstud.io/guide/task_format, /guide/predictions)
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from serving.listing.labels import Code, Label, Labels, Node
from serving.review.queue import Waiting
from stages.commands.exit_codes import CommandError, ExitCode

_CONTROL, _OBJECT = "code", "designation"
"""What the interface calls the choice, and the text that it is about."""

_TEXTS = ("designation", "description")
_MEDIA = {b"\x89PNG": "png", b"RIFF": "webp", b"GIF8": "gif"}
"""How pictures begin that are no JPEG, of those that a browser shows."""


class FormatError(CommandError):
    """The file is no export of Label Studio, or of another interface."""

    code = ExitCode.UNUSABLE


@dataclass(frozen=True)
class Annotation:
    """What a reviewer chose for a product, by the key of its content."""

    product: str
    code: Code


class Interface:
    """How the codes of a classifier are shown in Label Studio, with their `paths`: texts, the most
    general first."""

    def __init__(self, labels: Labels) -> None:
        self.paths = {code: _path(code, label) for code, label in labels.items()}
        self._levels = any(len(path) > 1 for path in self.paths.values())
        self.kind = "taxonomy" if self._levels else "choices"
        self._codes = {path: code for code, path in self.paths.items()}

    def xml(self, *, pictures: bool) -> str:
        """The labelling interface (Settings > Labeling Interface > Code)."""
        view = ElementTree.Element("View")
        if pictures:
            ElementTree.SubElement(view, "Image", name="picture", value="$picture")
        for name in _TEXTS:
            ElementTree.SubElement(view, "Header", value=name.capitalize())
            ElementTree.SubElement(view, "Text", name=name, value=f"${name}")
        options = {"name": _CONTROL, "toName": _OBJECT, "required": "true"}
        if self._levels:
            options |= {"leafsOnly": "true", "maxUsages": "1", "showFullPath": "true"}
            control = ElementTree.SubElement(view, "Taxonomy", options)
        else:
            control = ElementTree.SubElement(view, "Choices", {**options, "choice": "single"})
        places: dict[tuple[str, ...], ElementTree.Element] = {(): control}
        for path in sorted(self.paths.values()):
            for depth in range(1, len(path) + 1):
                if path[:depth] not in places:
                    above = places[path[: depth - 1]]
                    made = ElementTree.SubElement(above, "Choice", value=path[depth - 1])
                    places[path[:depth]] = made
        ElementTree.indent(view)
        return ElementTree.tostring(view, encoding="unicode") + "\n"

    def task(self, answer: Waiting, *, pictures: bool) -> dict[str, Any]:
        """An answer that waits: the product, and what was answered as a prediction, if the
        classifier still has the code."""
        data = {
            "product": answer.product,
            "id": answer.identifier or "",
            "designation": answer.designation or "",
            "description": answer.description or "",
            **({"picture": _address(answer.picture)} if pictures else {}),
        }
        path = self.paths.get(answer.answered)
        predictions = []
        if path is not None:
            result = {
                "id": answer.product[:10],
                "from_name": _CONTROL,
                "to_name": _OBJECT,
                "type": self.kind,
                "value": {self.kind: [list(path)] if self._levels else list(path)},
            }
            predictions.append(
                {"model_version": answer.model, "score": answer.confidence, "result": [result]}
            )
        return {"data": data, "predictions": predictions}

    def annotated(self, tasks: Any) -> list[Annotation]:
        """What was chosen in an export (format JSON) of a project with this interface; of several
        annotations of a task, what the last one has. A task that was skipped has none.

        Raises FormatError naming the first task that is none, or has another code.
        """
        if not isinstance(tasks, list):
            raise FormatError(f"expected a list of tasks, found {type(tasks).__name__}; {_EXPORT}")
        found = (self._of(number, task) for number, task in enumerate(tasks, 1))
        return [each for each in found if each is not None]

    def _of(self, number: int, task: Any) -> Annotation | None:
        try:
            product = task["data"]["product"]
            annotations = [each for each in task["annotations"] if not each.get("was_cancelled")]
            latest = max(annotations, key=lambda each: each.get("updated_at") or "", default=None)
            chosen = [
                result["value"][self.kind][0]
                for result in (latest["result"] if latest else ())
                if result["from_name"] == _CONTROL and result["value"][self.kind]
            ]
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise FormatError(
                f"task {number} is none of these tasks with annotations ({error!r}); {_EXPORT}"
            ) from error
        if not chosen:
            return None
        path = tuple(chosen[-1]) if self._levels else (chosen[-1],)
        if path not in self._codes:
            raise FormatError(
                f"task {number} (product {product}): {' > '.join(map(str, path))!r} is no code of "
                "models/classifier; were the tasks made for another classifier?"
            )
        return Annotation(product, self._codes[path])


_EXPORT = (
    "expected what Label Studio exports as JSON, not JSON-MIN, from a project with the tasks and "
    "the interface of `make label-studio-tasks`"
)


def _path(code: Code, label: Label) -> tuple[str, ...]:
    return (*(_shown(node.code, node) for node in label.parents), _shown(code, label))


def _shown(code: Code, named: Label | Node) -> str:
    return str(code) if named.name == str(code) else f"{code} {named.name}"


def _address(picture: bytes | None) -> str:
    """A picture as an address that holds it: Label Studio has no other way to it."""
    if not picture:
        return ""
    media = next((kind for start, kind in _MEDIA.items() if picture.startswith(start)), "jpeg")
    return f"data:image/{media};base64,{base64.b64encode(picture).decode()}"
