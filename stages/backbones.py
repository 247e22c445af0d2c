"""The frozen pretrained networks: pixels, uint8 [n, size, size, 3], to features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stages.keras_setup import keras, set_up, tf
from stages.settings import Frozen

layers = keras.layers


MOBILENET_AVERAGES = tuple(f"conv_pw_{block}_relu" for block in (5, 7, 9, 11, 12, 13))
MOBILENET_MAXIMA = tuple(f"conv_pw_{block}_relu" for block in (9, 11, 13))
"""Layers that are averaged, and those whose maximum is taken, over the picture: what a small
network knows of colour and texture is gone from its last layer."""

_BINS = 4
_BATCH = 32


def backbone(settings: Frozen) -> keras.Model:
    """The frozen network: pixels to features, float32 [n, features], averaged over both mirrors.

    Each family's own scaling is part of the graph: MobileNet expects -1..1, VGG16 BGR with the
    ImageNet mean taken off (keras.applications). MobileNet's features come from several layers,
    with a colour histogram beside them.
    """
    shape = (settings.size, settings.size, 3)
    pixels = keras.Input(shape, dtype="uint8", name="pixels")
    colours = layers.Rescaling(1.0)(pixels)
    if settings.model == "vgg16":
        network = keras.applications.VGG16(
            input_shape=shape, include_top=False, weights=_weights(settings)
        )
        pooled = keras.Model(network.input, layers.GlobalAveragePooling2D()(network.output))
        features = pooled(_vgg_scaling(colours))
    else:
        pooled = _pooled(
            keras.applications.MobileNet(
                input_shape=shape,
                alpha=settings.alpha,
                include_top=False,
                weights=_weights(settings),
            )
        )
        scaled = layers.Rescaling(1 / 127.5, offset=-1)(colours)
        mirrored = keras.ops.flip(scaled, axis=2)
        both = layers.Average()([pooled(scaled), pooled(mirrored)])
        features = layers.Concatenate()([both, _histogram(colours)])
    model = keras.Model(pixels, features, name=settings.model)
    model.trainable = False
    return model


def _pooled(network: keras.Model) -> keras.Model:
    averages = [network.get_layer(name).output for name in MOBILENET_AVERAGES]
    maxima = [network.get_layer(name).output for name in MOBILENET_MAXIMA]
    pooled = [layers.GlobalAveragePooling2D()(x) for x in averages]
    pooled += [layers.GlobalMaxPooling2D()(x) for x in maxima]
    return keras.Model(network.input, layers.Concatenate()(pooled), name="pooled")


def _histogram(colours: keras.KerasTensor) -> keras.KerasTensor:
    """Square roots of the shares of 4x4x4 colours, [n, 64] (Hellinger's distance)."""
    level = keras.ops.floor(colours * (_BINS / 256))
    number = (level[..., 0] * _BINS + level[..., 1]) * _BINS + level[..., 2]
    shares = [
        keras.ops.mean(keras.ops.cast(keras.ops.equal(number, i), "float32"), axis=(1, 2))
        for i in range(_BINS**3)
    ]
    return keras.ops.sqrt(keras.ops.stack(shares, axis=1))


def feature_extractor(
    settings: Frozen, seed: int, threads: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Pixels, uint8 [n, size, size, 3], to the frozen network's features, float32 [n, features]."""
    set_up(seed, threads)
    network = backbone(settings)
    signature = [tf.TensorSpec((None, settings.size, settings.size, 3), tf.uint8)]
    run = tf.function(lambda pixels: network(pixels, training=False), input_signature=signature)

    def extract(pixels: np.ndarray) -> np.ndarray:
        starts = range(0, len(pixels), _BATCH)
        return np.concatenate([run(pixels[start : start + _BATCH]).numpy() for start in starts])

    return extract


def _weights(settings: Frozen) -> str | None:
    return settings.weights if settings.weights in (None, "imagenet") else settings.weights_file


def _vgg_scaling(colours: keras.KerasTensor) -> keras.KerasTensor:
    """RGB to BGR with the ImageNet mean taken off."""
    mean = [103.939, 116.779, 123.68]
    return keras.ops.flip(colours, axis=-1) - keras.ops.convert_to_tensor(mean)
