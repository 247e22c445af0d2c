"""Frozen, typed settings: params.yaml as the stages see it, refused as a whole before any work.

Every stage loads all of it, so that a wrong value anywhere stops the first stage that runs, and
then uses the sections that dvc.yaml declares for it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from stages.common.output import StageError
from stages.common.paths import (
    FILES,
    IMAGES,
    RAW,
    TEST_PRODUCTS,
    TRAIN_CODES,
    TRAIN_PRODUCTS,
)

PARAMS = Path("params.yaml")
_GROUPS = ("data", "taxonomy", "text", "language", "image")
_HDF5 = b"\x89HDF\r\n\x1a\n"
"""How a .h5 file begins."""

Share = Annotated[float, Field(gt=0, lt=0.5)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class SettingsError(StageError):
    """A value in params.yaml that the pipeline cannot work with; the message names it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class WatchedFiles(_Frozen):
    """What DVC watches for each file of a catalogue: the file itself, its address, or else the file
    of settings that it comes from."""

    train_products: str
    train_codes: str
    test_products: str
    images: str


class _Data(_Frozen):
    """What all sources share; `corrections` is the folder that is merged into what they deliver,
    and `corrections_watched` where DVC sees it, absolute or relative to the repository."""

    watched: WatchedFiles
    corrections: str | None = None
    corrections_in_test: bool = False
    corrections_watched: str = ""

    @property
    def origin(self) -> str:
        """Where it comes from, in words, without places on this machine and credentials."""
        raise NotImplementedError

    def named(self, name: str) -> str:
        """What a file of the catalogue is called where it comes from, without credentials."""
        return f"data/raw/{name}"


class SampleData(_Data):
    """The embedded synthetic catalogue."""

    source: Literal["sample"]
    products: Annotated[int, Field(ge=135)]
    unlabelled: Count
    seed: Seed

    @property
    def origin(self) -> str:
        return f"The embedded synthetic catalogue, drawn with seed {self.seed}"


class FolderData(_Data):
    """A local folder with the four files; what is watched are their absolute paths."""

    source: Literal["folder"]
    path: str

    @model_validator(mode="after")
    def _files_exist(self) -> FolderData:
        folder = self.folder
        if missing := [name for name in FILES if not (folder / name).is_file()]:
            lacks = f"lacks {', '.join(missing)}" if folder.is_dir() else "is no folder"
            raise ValueError(
                f"path {self.path!r} {lacks} (looked at {folder}); expected a folder that holds "
                f"{', '.join(FILES)}"
            )
        return self

    @property
    def folder(self) -> Path:
        """Its absolute path."""
        return Path(self.watched.images).parent

    @property
    def origin(self) -> str:
        return "A local folder, whose hash is in `dvc.lock`"

    def named(self, name: str) -> str:
        return str(Path(self.path) / name)


class UrlData(_Data):
    """The four files below an fsspec address."""

    source: Literal["url"]
    path: Annotated[str, Field(pattern="^[a-z0-9+]+://.+")]
    sha256: dict[str, Sha256]

    @property
    def origin(self) -> str:
        place = urlsplit(self.path)
        return f"Files fetched by {place.scheme} from {place.hostname or 'this machine'}"

    def named(self, name: str) -> str:
        place = urlsplit(self.path)
        return f"{place.scheme}://{place.hostname or ''}{place.path.rstrip('/')}/{name}"


class HuggingFaceData(_Data):
    """The four files at the root of a Hugging Face dataset repository, at one commit: a branch or a
    tag may name another one tomorrow."""

    source: Literal["huggingface"]
    path: Annotated[str, Field(pattern="^[^/ ]+/[^/ ]+$")]
    revision: str
    sha256: dict[str, Sha256]

    @field_validator("revision")
    @classmethod
    def _is_a_commit(cls, revision: str) -> str:
        if not re.fullmatch("[0-9a-f]{40}", revision):
            raise ValueError(
                "expected a commit (40 hexadecimal digits), so that every clone fetches the same "
                "files; `make pin-source` writes the one it names now into "
                "conf/data/huggingface.yaml"
            )
        return revision

    @property
    def origin(self) -> str:
        return f"The Hugging Face dataset `{self.path}`, revision `{self.revision}`"

    def named(self, name: str) -> str:
        return f"{self.path}/{name}"


Encoding = Literal["utf-8", "utf-16", "latin-1", "iso-8859-15", "windows-1252"]
"""Of tables of text; utf-8 and utf-16 with or without a byte order mark."""

Separator = Literal["comma", "semicolon", "tab", "bar"]
SEPARATORS: dict[Separator, str] = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}

TABLE_KINDS = {"csv": "text in columns", "parquet": "Parquet", "lines": "JSON, an object a line"}
_TABLE_ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
} | dict.fromkeys((".jsonl", ".ndjson"), "lines")


def table_kind(name: str) -> str:
    """Which of TABLE_KINDS a file holds by its name, packed or not; "" for none of them."""
    path = Path(name.lower())
    return _TABLE_ENDINGS.get(
        Path(path.stem if path.suffix in (".gz", ".zip") else path).suffix, ""
    )


def _is_table(name: str) -> str:
    if not table_kind(name):
        raise ValueError(
            f"expected a table called {', '.join(_TABLE_ENDINGS)}, or one of these in .gz or .zip"
        )
    return name


Table = Annotated[str, AfterValidator(_is_table)]


class Columns(_Frozen):
    """What a shop calls the columns of its tables; null is one that it has not."""

    index: str | None
    codes_index: str | None
    title: str | None
    description: str | None
    code: str
    product_id: str | None
    picture: str | None
    picture_sha256: str | None

    @model_validator(mode="after")
    def _something_to_learn_from(self) -> Columns:
        if self.picture_sha256 is not None and self.picture is None:
            raise ValueError("picture_sha256 is set and picture is not: whose hash is it?")
        return self


class Pictures(_Frozen):
    """Where a shop's pictures lie, and which is whose."""

    path: str | None
    pattern: Annotated[str, Field(min_length=1)] | None
    between: Separator | None
    hosts: list[str]

    @property
    def named(self) -> list[str]:
        """The columns that the pattern names."""
        return re.findall(r"\{([^{}]*)\}", self.pattern or "")

    @model_validator(mode="after")
    def _findable(self) -> Pictures:
        if self.pattern is not None and self.path is None:
            raise ValueError("pattern is set and path is not; expected a zip archive or a folder")
        if self.pattern is not None and not self.named:
            raise ValueError(
                f"pattern {self.pattern!r} names no column; expected one at least, in braces"
            )
        return self


class TablesData(_Data):
    """Tables and pictures of any shop, as they are; what is watched are their absolute paths."""

    source: Literal["tables"]
    products: Table
    codes: Table | None
    asked: Table | None
    encoding: Encoding
    separator: Separator
    columns: Columns
    pictures: Pictures

    @model_validator(mode="after")
    def _fits_together(self) -> TablesData:
        columns, pictures = self.columns, self.pictures
        if self.codes is not None and columns.index is None and columns.product_id is None:
            raise ValueError(
                "codes is a table of its own, so that columns.index must name what products and "
                "codes are joined by"
            )
        if pictures.pattern is not None and columns.picture is not None:
            raise ValueError("columns.picture and pictures.pattern are both set; expected one way")
        if pictures.path is not None and pictures.pattern is None and columns.picture is None:
            raise ValueError(
                "pictures.path is set, and neither columns.picture nor pictures.pattern says which "
                "picture is whose"
            )
        if not (columns.title or columns.description or columns.picture or pictures.pattern):
            raise ValueError(
                "columns names neither title nor description, and there are no pictures: there is "
                "nothing to learn from"
            )
        return self

    @property
    def origin(self) -> str:
        return "Tables of a shop, whose hashes are in `dvc.lock`"

    def named(self, name: str) -> str:
        own = {
            TRAIN_PRODUCTS: self.products,
            TRAIN_CODES: self.codes or self.products,
            TEST_PRODUCTS: self.asked or self.products,
            IMAGES: self.pictures.path or "addresses",
        }
        return f"{RAW / name} (made of {own[name]})"


Data = Annotated[
    SampleData | FolderData | TablesData | UrlData | HuggingFaceData, Field(discriminator="source")
]


class FileTaxonomy(_Frozen):
    """The codes of a table, with their names; a product with another is left out."""

    source: Literal["rakuten", "file"]
    path: str
    watched: str


class LabelsTaxonomy(_Frozen):
    """Whatever codes the labelled products have."""

    source: Literal["labels"]
    watched: str


Taxonomy = Annotated[FileTaxonomy | LabelsTaxonomy, Field(discriminator="source")]


class Prepare(_Frozen):
    """How labelled products are divided, and what becomes of those whose code has too few for one
    in the test part."""

    validation_share: Share
    test_share: Share
    seed: Seed
    rare_codes: Literal["train", "reject", "refuse"]


class Train(_Frozen):
    """What the branches share."""

    epochs: Count
    patience: Count
    batch_size: Count
    class_weight: Annotated[float, Field(ge=0, le=1)]
    seed: Seed
    threads: Annotated[int, Field(ge=1, le=256)]


class BranchSettings(_Frozen):
    """What every branch has: the `module` that holds its model, as the registries of stages/text,
    stages/language and stages/image say, and in how many `folds` held-out products are answered."""

    module: ClassVar[str]
    folds: Annotated[int, Field(ge=1, le=20)]


class TextSettings(BranchSettings):
    """A text model."""


class NoText(_Frozen):
    """Pictures alone."""

    model: Literal["none"]


class Lstm(TextSettings):
    """An LSTM over embedded words, their pieces and shapes."""

    module = "stages.text.lstm"
    model: Literal["lstm"]
    designation_words: Annotated[int, Field(ge=1, le=512)]
    description_words: Annotated[int, Field(ge=1, le=512)]
    vocabulary: Annotated[int, Field(ge=100, le=500_000)]
    dimensions: Annotated[int, Field(ge=1, le=1024)]
    pieces: Annotated[int, Field(ge=1, le=64)]
    piece_buckets: Annotated[int, Field(ge=16, le=2**22)]
    piece_dimensions: Annotated[int, Field(ge=1, le=1024)]
    units: Annotated[int, Field(ge=1, le=1024)]
    dropout: Fraction
    epochs: Count
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Fraction
    label_smoothing: Fraction


class Shares(_Frozen):
    """Part of each view of a listing in the squared length of its vector."""

    designation_words: Positive
    designation_characters: Positive
    designation_case: Positive
    designation_shape: Positive
    designation_style: Positive
    designation_pairs: Positive
    description_words: Positive
    description_characters: Positive


class Ngrams(TextSettings):
    """Hashed n-grams under a linear model."""

    module = "stages.text.ngrams"
    model: Literal["ngrams"]
    bits: Annotated[int, Field(ge=8, le=22)]
    least: Count
    penalty: Positive
    uncased: Fraction
    shares: Shares


class NoImage(_Frozen):
    """Texts alone. The empty values stand here because the stage `images` declares them."""

    model: Literal["none"]
    size: None
    weights: None
    alpha: None
    weights_file: str


class ImageSettings(BranchSettings):
    """An image model; the stage `images` depends on `weights_file` and keeps pictures of `size`."""

    size: int
    weights_file: str


class Cnn(ImageSettings):
    """A small convolutional network from scratch."""

    module = "stages.image.cnn"
    model: Literal["cnn"]
    size: Annotated[int, Field(ge=16, le=256)]
    weights: None
    alpha: None
    filters: Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=1)]
    dropout: Fraction
    learning_rate: Annotated[float, Field(gt=0, le=1)]


class Dense(_Frozen):
    """A dense head, trained by gradient descent with early stopping."""

    kind: Literal["dense"]
    units: Annotated[int, Field(ge=0, le=8192)]
    dropout: Fraction
    learning_rate: Annotated[float, Field(gt=0, le=1)]


class Discriminant(_Frozen):
    """Linear discriminant analysis with a shrunken covariance, solved in closed form."""

    kind: Literal["discriminant"]
    shrinkage: Annotated[float, Field(gt=0, le=100)]


class Frozen(ImageSettings):
    """Features of a pretrained, frozen network under a trained head."""

    module = "stages.image.frozen"
    model: Literal["mobilenet", "vgg16", "efficientnet"]
    size: Annotated[int, Field(ge=32, le=512)]
    weights: str | None
    alpha: Annotated[float, Field(gt=0, le=2)] | None
    head: Annotated[Dense | Discriminant, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _weights_exist(self) -> Frozen:
        if self.model == "efficientnet":
            if self.weights not in ("lite0", "lite2"):
                raise ValueError(f"weights = {self.weights!r}: expected lite0 or lite2")
            if self.alpha is not None:
                raise ValueError(
                    f"alpha = {self.alpha}: expected null, lite0 and lite2 have their own widths"
                )
            return self
        if self.alpha is None:
            raise ValueError(f"alpha = None: expected a width of {self.model}")
        if self.weights in (None, "imagenet"):
            return self
        file = Path(self.weights_file)
        expected = "expected imagenet, null or the path of a .h5 file"
        if not file.is_file():
            raise ValueError(f"weights {self.weights!r} is no file (looked at {file}); {expected}")
        with file.open("rb") as content:
            if content.read(len(_HDF5)) != _HDF5:
                raise ValueError(
                    f"weights {self.weights!r} is no weights file of Keras; {expected}"
                )
        return self


class NoEncoder(_Frozen):
    """Stands where the stage `embed` declares an encoder."""

    watched: str


class PretrainedEncoder(_Frozen):
    """An encoder of texts in the hub's layout: the files of a model repository at one commit, or
    those in a local `folder`. What it reads of a text are the first `tokens` tokens, the `prefix`
    that it was pretrained with among them."""

    repository: Annotated[str, Field(pattern="^[^/ ]+/[^/ ]+$")]
    revision: Annotated[str, Field(pattern="^[0-9a-f]{40}$")]
    sha256: dict[str, Sha256]
    folder: str | None
    watched: str
    prefix: str
    tokens: Annotated[int, Field(ge=8, le=512)]


class NoLanguage(_Frozen):
    """No pretrained encoder of texts."""

    model: Literal["none"]
    encoder: NoEncoder


class LanguageSettings(BranchSettings):
    """A pretrained encoder of texts, and what is trained of it or on it."""

    encoder: PretrainedEncoder


class FrozenLanguage(LanguageSettings):
    """Features of the frozen encoder under a linear head, solved in closed form."""

    module = "stages.language.frozen"
    model: Literal["frozen"]
    head: Discriminant


class TunedLanguage(LanguageSettings):
    """The encoder's upper `layers`, trained further under a dense head."""

    module = "stages.language.tuned"
    model: Literal["tuned"]
    layers: Count
    epochs: Count
    batch_size: Count
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Fraction
    label_smoothing: Fraction


Text = Annotated[NoText | Lstm | Ngrams, Field(discriminator="model")]
Language = Annotated[NoLanguage | FrozenLanguage | TunedLanguage, Field(discriminator="model")]
Image = Annotated[NoImage | Cnn | Frozen, Field(discriminator="model")]


class Fuse(_Frozen):
    """How the branches are combined."""

    method: Literal["weighted", "stacked"]


class Evaluate(_Frozen):
    """What is measured, and what is asked of accepted products, with which certainty: of those of
    each state, or of each code."""

    precision: Annotated[float, Field(gt=0.5, lt=1)]
    certainty: Annotated[float, Field(ge=0.5, lt=1)]
    acceptance: Literal["state", "code"]
    bins: Annotated[int, Field(ge=2, le=100)]


class Predict(_Frozen):
    """How the unlabelled products are answered."""

    chunk: Annotated[int, Field(ge=1, le=10_000)]


class Gate(_Frozen):
    """How much worse than its base a result may be: scores by so much, size and seconds by a share
    of the base's; and how sure a promotion must be."""

    weighted_f1: Fraction
    macro_f1: Fraction
    accepted_precision: Fraction
    coverage_at_95: Fraction
    calibration_error: Fraction
    size: Annotated[float, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    resamples: Annotated[int, Field(ge=100, le=100_000)]


class Compare(_Frozen):
    """Within what two results are said to agree."""

    values: Fraction
    scores: Fraction


class Settings(_Frozen):
    """All of params.yaml."""

    data: Data
    taxonomy: Taxonomy
    prepare: Prepare
    text: Text
    language: Language
    image: Image
    train: Train
    fusion: Fuse
    evaluate: Evaluate
    predict: Predict
    gate: Gate
    compare: Compare

    @model_validator(mode="after")
    def _something_to_classify_with(self) -> Settings:
        if {self.text.model, self.language.model, self.image.model} == {"none"}:
            raise ValueError(
                "text, language and image are all none; expected at least one of them "
                "(-S text=ngrams, -S language=frozen, -S image=efficientnet, …)"
            )
        return self


def load(path: Path = PARAMS) -> Settings:
    """All settings, checked as a whole.

    Raises SettingsError naming file, key, value and what is accepted for each wrong value.
    """
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    return parse(stored, str(path))


def parse(stored: Any, named: str) -> Settings:
    """All settings from the content of params.yaml; `named` says where it comes from.

    Raises SettingsError, as `load` does.
    """
    try:
        return Settings.model_validate(stored)
    except ValidationError as error:
        lines = [_explain(fault) for fault in error.errors()]
        raise SettingsError(f"{named} is refused:\n  " + "\n  ".join(lines)) from error


def _explain(fault: Any) -> str:
    """One line: key, value, what is accepted."""
    path = [str(part) for part in fault["loc"]]
    if path and path[0] in _GROUPS:
        del path[1:2]  # pydantic names the option chosen within a group: image.cnn.size
    key = ".".join(path) or "params"
    message = fault["msg"].removeprefix("Value error, ")
    value = fault["input"]
    if isinstance(value, dict):
        names_its_field = path and message.split()[0] in value
        return f"{key}{'.' if names_its_field else ': '}{message}"
    return f"{key} = {value!r}: {message}"
