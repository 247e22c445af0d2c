"""The frozen pretrained networks: pixels, uint8 [n, size, size, 3], to features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stages.common.keras_setup import keras, set_up, tf
from stages.common.reciprocal_root import with_exact_normalization
from stages.common.settings import Frozen
from stages.pictures.efficientnet_lite import efficientnet_lite, pretrained
from stages.pictures.torch_weights import WeightsError

layers = keras.layers


MOBILENET_LAYERS = tuple(f"conv_pw_{block}_relu" for block in (7, 9, 11, 12, 13))
"""Layers that are pooled over the picture: what a small network knows of colour and texture is gone
from its last layer."""

_BATCH = 32


def backbone(settings: Frozen) -> keras.Model:
    """The frozen network: pixels to features, float32 [n, features].

    Each family's own scaling is part of the graph: MobileNet expects -1..1, VGG16 BGR with the
    ImageNet mean taken off (keras.applications), EfficientNet-Lite (value - 127) / 128.

    Raises WeightsError.
    """
    shape = (settings.size, settings.size, 3)
    pixels = keras.Input(shape, dtype="uint8", name="pixels")
    colours = layers.Rescaling(1.0)(pixels)
    match settings.model:
        case "vgg16":
            network = _with_weights(settings, keras.applications.VGG16, input_shape=shape)
            pooled = keras.Model(network.input, layers.GlobalAveragePooling2D()(network.output))
            features = pooled(_vgg_scaling(colours))
        case "mobilenet":
            network = with_exact_normalization(
                _with_weights(
                    settings, keras.applications.MobileNet, input_shape=shape, alpha=settings.alpha
                )
            )
            seen = keras.Model(
                network.input, [network.get_layer(name).output for name in MOBILENET_LAYERS]
            )
            scaled = layers.Rescaling(1 / 127.5, offset=-1)(colours)
            features = layers.Concatenate()(
                [pooled for maps in seen(scaled) for pooled in _pooled(maps)]
            )
        case "efficientnet":
            variant = str(settings.weights)
            scaled = layers.Rescaling(1 / 128, offset=-127 / 128)(colours)
            *stages, head = efficientnet_lite(variant, settings.size, pretrained(variant))(scaled)
            features = layers.Concatenate()(
                [
                    *(pooled for maps in stages for pooled in _pooled(maps)),
                    layers.GlobalAveragePooling2D()(head),
                ]
            )
    model = keras.Model(pixels, features, name=settings.model)
    model.trainable = False
    return model


def _pooled(maps: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Average of the middle and of the rim, maximum and standard deviation, [n, channels] each.

    Catalogue pictures show the product in the middle: half the height and half the width.
    """
    height, width = maps.shape[1:3]
    top, left = height // 4, width // 4
    inner = maps[:, top : height - top, left : width - left]
    middle = layers.GlobalAveragePooling2D()(inner)
    share = inner.shape[1] * inner.shape[2] / (height * width)
    rim = average = layers.GlobalAveragePooling2D()(maps)
    if share < 1:
        rim = (average - share * middle) / (1 - share)
    spread = keras.ops.std(maps, axis=(1, 2))
    return [middle, rim, layers.GlobalMaxPooling2D()(maps), spread]


def feature_extractor(
    settings: Frozen, seed: int, threads: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Pixels, uint8 [n, size, size, 3], to the frozen network's features, float16 [n, features].

    Half precision halves what is kept of each picture; its rounding (1 in 2,000) is far below what
    another JPEG encoder does.
    """
    set_up(seed, threads)
    network = backbone(settings)
    signature = [tf.TensorSpec((None, settings.size, settings.size, 3), tf.uint8)]
    run = tf.function(lambda pixels: network(pixels, training=False), input_signature=signature)

    def extract(pixels: np.ndarray) -> np.ndarray:
        starts = range(0, len(pixels), _BATCH)
        found = [run(pixels[start : start + _BATCH]).numpy() for start in starts]
        return np.concatenate(found).astype(np.float16)

    return extract


def _with_weights(
    settings: Frozen, network: Callable[..., keras.Model], **options: Any
) -> keras.Model:
    """The network without its top, with the configured weights."""
    if settings.weights is None:
        return network(include_top=False, weights=None, **options)
    named = settings.weights == "imagenet"
    try:
        weights = "imagenet" if named else settings.weights_file
        return network(include_top=False, weights=weights, **options)
    except Exception as error:  # a bare one for a failed download, several kinds for a file
        wanted = f"{settings.model}, alpha {settings.alpha:g}, without its top"
        advice = (
            "Keras downloads them once: go online for this run, name a .h5 file that lies here "
            "(image.weights=PATH), or take random ones (image.weights=null)"
            if named
            else "name the file that keras.applications downloads for this network, or imagenet"
        )
        raise WeightsError(
            f"image.weights = {settings.weights!r}: no weights for {wanted}: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}\n{advice}"
        ) from error


def _vgg_scaling(colours: keras.KerasTensor) -> keras.KerasTensor:
    """RGB to BGR with the ImageNet mean taken off.

    By a layer: a bare constant would become an input of the exported graph.
    """
    return layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68])(
        keras.ops.flip(colours, axis=-1)
    )
