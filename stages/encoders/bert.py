"""BERT (Devlin et al., 2019) as a page of layers, with weights by the names of the hub's files.

Written so that every processor adds in one order: roots are taken by `reciprocal_root`, and the
softmax is spelled out, because ONNX Runtime's own is as wide as the register.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from stages.common.keras_setup import keras
from stages.common.reciprocal_root import reciprocal_root
from stages.encoders.errors import EncoderError

ops = keras.ops

TOKENS, LAYER = "tokens", "layer_{}"
WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"
PLACES = "embeddings.position_embeddings.weight"
TYPES = "embeddings.token_type_embeddings.weight"
_PREFIXES = ("", "bert.", "roberta.", "model.")
"""What stands before the names of tensors, by the kind of model that was saved."""

Size = Annotated[int, Field(ge=1)]


class Shape(BaseModel):
    """What `config.json` says of the network, in the hub's own names; the rest is not read."""

    model_config = ConfigDict(frozen=True)

    model_type: Literal["bert"]
    hidden_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    intermediate_size: Size
    vocab_size: Size
    max_position_embeddings: Size
    hidden_act: Literal["gelu"]
    layer_norm_eps: Annotated[float, Field(gt=0, lt=1)]
    position_embedding_type: Literal["absolute"] = "absolute"


Tensors = Mapping[str, np.ndarray]


def bert(shape: Shape, padding: int, layers: Sequence[int], trained: int = 0) -> keras.Model:
    """`tokens`, int32 [n, length], filled up with `padding`, to what `layers` (by number, from 0)
    say of a text, the mean over its tokens of each, float32 [n, layers * hidden]. The upper
    `trained` layers can be trained."""
    tokens = keras.Input((None,), dtype="int32", name=TOKENS)
    present = ops.cast(ops.not_equal(tokens, padding), "float32")
    x = _Embeddings(shape, name="embeddings")(tokens)
    means = []
    for number in range(shape.num_hidden_layers):
        layer = _Layer(shape, name=LAYER.format(number))
        layer.trainable = number >= shape.num_hidden_layers - trained
        x = layer(x, present)
        if number in layers:
            total = ops.sum(x * present[:, :, None], axis=1)
            means.append(total / ops.sum(present, axis=1, keepdims=True))
    return keras.Model({TOKENS: tokens}, ops.concatenate(means, axis=1), name="bert")


def gelu(x: keras.KerasTensor) -> keras.KerasTensor:
    """x * P(X <= x), X normal (Hendrycks and Gimpel, 2016). Keras's own has no form in ONNX."""
    return 0.5 * x * (1.0 + ops.erf(x * 0.5**0.5))


def set_weights(model: keras.Model, tensors: Tensors) -> None:
    """Give `model` the tensors of a file of weights.

    Raises EncoderError: one is missing or has another shape.
    """
    for layer in model.layers:
        if isinstance(layer, _Embeddings | _Layer):
            layer.take(tensors)


def bare_names(tensors: Tensors) -> Tensors:
    """By the names that BertModel itself has, whatever was saved around it."""
    for prefix in _PREFIXES:
        if f"{prefix}{WORD_EMBEDDINGS}" in tensors:
            return {name.removeprefix(prefix): values for name, values in tensors.items()}
    raise EncoderError(f"the file of weights holds no {WORD_EMBEDDINGS}: it is none of a BERT")


class _Weighted(keras.layers.Layer):
    """A layer that takes its weights from tensors of given names."""

    def __init__(self, shape: Shape, **rest: Any) -> None:
        super().__init__(**rest)
        self.shape = shape
        self._taken: list[tuple[Any, Callable[[Tensors], np.ndarray], str]] = []

    def weight(self, name: str, shape: tuple[int, ...], read: Callable[[Tensors], Any]) -> Any:
        """A weight, and how it is read from the tensors."""
        variable = self.add_weight(shape=shape, initializer="zeros", name=name.replace(".", "_"))
        self._taken.append((variable, read, name))
        return variable

    def take(self, tensors: Tensors) -> None:
        """Read all weights.

        Raises EncoderError.
        """
        for variable, read, name in self._taken:
            try:
                values = np.asarray(read(tensors), np.float32)
            except KeyError as error:
                raise EncoderError(f"the file of weights holds no {error.args[0]}") from None
            if values.shape != tuple(variable.shape):
                raise EncoderError(
                    f"{name} has the shape {values.shape}; config.json says {tuple(variable.shape)}"
                )
            variable.assign(values)

    def normalization(self, name: str) -> Callable[[Any], Any]:
        """Layer normalisation (Ba et al., 2016) of [n, hidden] with the tensors below `name`."""
        width = (self.shape.hidden_size,)
        scale = self.weight(f"{name}.weight", width, lambda t: t[f"{name}.weight"])
        shift = self.weight(f"{name}.bias", width, lambda t: t[f"{name}.bias"])

        def normalize(x: Any) -> Any:
            centred = x - ops.mean(x, axis=-1, keepdims=True)
            variance = ops.mean(centred * centred, axis=-1, keepdims=True)
            return centred * reciprocal_root(variance + self.shape.layer_norm_eps) * scale + shift

        return normalize


class _Embeddings(_Weighted):
    """Tokens, int [n, length], to [n, length, hidden]: word, place and the first type, added."""

    def build(self, _: Any) -> None:
        shape, width = self.shape, self.shape.hidden_size
        self._words = self.weight(
            WORD_EMBEDDINGS, (shape.vocab_size, width), lambda t: t[WORD_EMBEDDINGS]
        )
        self._places = self.weight(
            PLACES, (shape.max_position_embeddings, width), lambda t: t[PLACES] + t[TYPES][0]
        )
        self._normalize = self.normalization("embeddings.LayerNorm")
        self.trainable = False

    def call(self, tokens: Any) -> Any:
        length = ops.shape(tokens)[1]
        x = ops.take(self._words, tokens, axis=0) + self._places[:length]
        return self._normalize(x)


class _Layer(_Weighted):
    """Attention and a small network, each added to what comes in, then normalised."""

    def build(self, *_: Any) -> None:
        width, inner = self.shape.hidden_size, self.shape.intermediate_size
        here = f"encoder.layer.{self.name.rpartition('_')[2]}"
        attention = [f"{here}.attention.self.{part}" for part in ("query", "key", "value")]
        self._attend = self._dense(attention, width, 3 * width)
        self._mix = self._dense([f"{here}.attention.output.dense"], width, width)
        self._after_mixing = self.normalization(f"{here}.attention.output.LayerNorm")
        self._widen = self._dense([f"{here}.intermediate.dense"], width, inner)
        self._narrow = self._dense([f"{here}.output.dense"], inner, width)
        self._after = self.normalization(f"{here}.output.LayerNorm")

    def _dense(self, names: list[str], inputs: int, outputs: int) -> Callable[[Any], Any]:
        kernel = self.weight(
            f"{names[0]}.weight",
            (inputs, outputs),
            lambda t: np.concatenate([t[f"{name}.weight"].T for name in names], axis=1),
        )
        bias = self.weight(
            f"{names[0]}.bias",
            (outputs,),
            lambda t: np.concatenate([t[f"{name}.bias"] for name in names]),
        )
        return lambda x: ops.matmul(x, kernel) + bias

    def call(self, x: Any, present: Any) -> Any:
        """`x` [n, length, hidden]; `present` [n, length] is 0 for padding."""
        length, width = ops.shape(x)[1], self.shape.hidden_size
        heads = self.shape.num_attention_heads
        x = ops.reshape(x, (-1, width))  # one multiplication of two matrices, not one a product
        apart = ops.reshape(self._attend(x), (-1, length, 3, heads, width // heads))
        query, key, value = ops.unstack(ops.transpose(apart, (2, 0, 3, 1, 4)), 3)
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        scores = scores * (width // heads) ** -0.5
        raised = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
        raised = raised * present[:, None, None, :]
        share = raised / ops.sum(raised, axis=-1, keepdims=True)
        mixed = ops.transpose(ops.matmul(share, value), (0, 2, 1, 3))
        x = self._after_mixing(x + self._mix(ops.reshape(mixed, (-1, width))))
        x = self._after(x + self._narrow(gelu(self._widen(x))))
        return ops.reshape(x, (-1, length, width))
