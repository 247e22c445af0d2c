"""A pretrained encoder whose upper layers are trained further, under a dense head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from serving.listing.text import Text
from stages.common.keras_setup import keras
from stages.common.paths import CHECKPOINTS, WEIGHTS
from stages.common.settings import Train, TunedLanguage
from stages.encoders.bert import LAYER, TOKENS
from stages.encoders.pretrained import Pretrained
from stages.language.model import LanguageModel
from stages.training.branch import Examples, Inputs
from stages.training.checkpoint import Checkpoint
from stages.training.gradient_descent import GradientDescent, Loss, annealed


def tuned(settings: TunedLanguage, pretrained: Pretrained, codes: int) -> keras.Model:
    """Tokens to logits, from the mean of the last layer."""
    last = pretrained.shape.num_hidden_layers - 1
    network = pretrained.network([last], min(settings.layers, last + 1))
    logits = keras.layers.Dense(codes, name="logits")(network.output)
    return keras.Model({TOKENS: network.inputs[0]}, logits, name="tuned")


class TunedBranch(GradientDescent):
    """Reads texts by a pretrained encoder, of which it trains the upper layers."""

    def __init__(
        self,
        settings: TunedLanguage,
        train: Train,
        examples: Examples,
        texts: Sequence[Text],
        kept: Path,
    ) -> None:
        own = {"batch_size": settings.batch_size, "epochs": settings.epochs}
        super().__init__(train.model_copy(update=own), examples, settings.folds)
        self._settings = settings
        self._texts = texts
        self._pretrained = Pretrained.read(kept)

    @cached_property
    def _tokens(self) -> np.ndarray:
        """Int32 [examples, tokens]: batches of one length train without being traced anew."""
        encoder = self._pretrained.encoder
        read = encoder.encode(self._texts)[TOKENS]
        missing = encoder.tokens - read.shape[1]
        return np.pad(read, ((0, 0), (0, missing)), constant_values=encoder.padding)

    def encode(self, rows: np.ndarray) -> Inputs:
        """See Branch."""
        return {TOKENS: self._tokens[rows]}

    def build(self) -> keras.Model:
        """See Branch."""
        return tuned(self._settings, self._pretrained, self.examples.codes)

    def recipe(self, steps: int) -> tuple[keras.optimizers.Optimizer, Loss]:
        """See GradientDescent."""
        settings, last = self._settings, self._pretrained.shape.num_hidden_layers - 1
        rates = {
            LAYER.format(number): settings.layer_decay ** (1 + last - number)
            for number in range(last + 1)
        }
        return annealed(
            steps,
            settings.learning_rate,
            settings.weight_decay,
            settings.label_smoothing,
            partial(LayerwiseAdamW, rates=rates),
        )

    def checkpoint(
        self, model: keras.Model, rows: np.ndarray, epochs: int, stop: np.ndarray | None
    ) -> Checkpoint:
        """See GradientDescent."""
        labels = self.examples.labels
        seen = [part for part in (rows, stop) if part is not None]
        given = [values for part in seen for values in (self._tokens[part], labels[part])]
        about = (self._settings, self._train, epochs, len(seen))
        return Checkpoint.of(CHECKPOINTS, *about, *given, *model.get_weights())

    def finish(self, model: keras.Model) -> None:
        """See GradientDescent: weights are kept in half precision, as the encoder's own."""
        model.set_weights([np.float32(np.float16(values)) for values in model.get_weights()])


class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW with a share of the rate for each layer, by its name (Howard and Ruder, 2018,
    "Universal Language Model Fine-tuning for Text Classification"); of others all of it."""

    def __init__(self, *given: Any, rates: Mapping[str, float], **rest: Any) -> None:
        super().__init__(*given, **rest)
        self._rates = dict(rates)

    def build(self, variables: Sequence[Any]) -> None:
        """See Keras."""
        super().build(variables)
        self._shares = {
            id(variable.value): self._rates.get(variable.path.split("/")[0], 1.0)
            for variable in variables
        }

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """See Keras, which gives the backend's own variables."""
        super().update_step(gradient, variable, learning_rate * self._shares[id(variable)])


def load(settings: TunedLanguage, folder: Path, kept: Path, codes: int) -> keras.Model:
    """The encoder in `kept` with the trained weights in `folder`."""
    model = tuned(settings, Pretrained.read(kept), codes)
    model.load_weights(folder / WEIGHTS)
    return model


MODEL = LanguageModel(TunedLanguage, TunedBranch, load)
