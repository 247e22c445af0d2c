"""The frozen pretrained networks: pixels, uint8 [n, size, size, 3], to features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stages.keras_setup import keras, set_up, tf
from stages.settings import Frozen

layers = keras.layers


def backbone(settings: Frozen) -> keras.Model:
    """The frozen network: pixels to features, float32 [n, features].

    Each family's own scaling is a layer of the graph: MobileNet expects -1..1, VGG16 BGR with the
    ImageNet mean taken off (keras.applications).
    """
    pixels = keras.Input((settings.size, settings.size, 3), dtype="uint8", name="pixels")
    if settings.model == "mobilenet":
        scaled = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
        network = keras.applications.MobileNet(
            input_shape=(settings.size, settings.size, 3),
            alpha=settings.alpha,
            include_top=False,
            weights=_weights(settings),
        )
    else:
        scaled = _vgg_scaling(pixels)
        network = keras.applications.VGG16(
            input_shape=(settings.size, settings.size, 3),
            include_top=False,
            weights=_weights(settings),
        )
    network.trainable = False
    pooled = layers.GlobalAveragePooling2D()(network(scaled, training=False))
    return keras.Model(pixels, pooled, name=settings.model)


def feature_extractor(
    settings: Frozen, seed: int, threads: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Pixels, uint8 [n, size, size, 3], to the frozen network's features, float32 [n, features]."""
    set_up(seed, threads)
    network = backbone(settings)
    run = tf.function(lambda pixels: network(pixels, training=False), reduce_retracing=True)
    return lambda pixels: run(pixels).numpy()


def _weights(settings: Frozen) -> str | None:
    return settings.weights if settings.weights in (None, "imagenet") else settings.weights_file


def _vgg_scaling(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """RGB to BGR with the ImageNet mean taken off, as a fixed 1x1 convolution."""
    swap = layers.Conv2D(3, 1, name="to_bgr", trainable=False)
    x = swap(layers.Rescaling(1.0)(pixels))
    kernel = [[[[0, 0, 1], [0, 1, 0], [1, 0, 0]]]]
    swap.set_weights([kernel, [-103.939, -116.779, -123.68]])
    return x
