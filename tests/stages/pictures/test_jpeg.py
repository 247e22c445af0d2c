"""A JPEG gives the pixels that another decoder than the product's makes of it: TensorFlow's."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from serving.listing.images import decode
from stages.common.keras_setup import tf

SIDE = 64


def smooth() -> Image.Image:
    """What a lossy encoder keeps well."""
    red, green = np.meshgrid(*[np.linspace(0, 255, SIDE)] * 2)
    return Image.fromarray(np.stack([red, green, 255 - red], axis=2).astype(np.uint8))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "options",
    [
        {"subsampling": 0},
        {"subsampling": 2},
        {"progressive": True},
        {"restart_marker_blocks": 1},
        {"keep_rgb": True},
    ],
)
def test_every_jpeg_mode_gives_the_pixels_of_another_decoder(
    mode: str, options: dict[str, object]
) -> None:
    buffer = io.BytesIO()
    smooth().convert(mode).save(buffer, "JPEG", quality=95, **options)
    data = buffer.getvalue()
    other = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE").numpy()
    assert np.ptp(other) > 190
    assert np.abs(decode(data, SIDE) - other.astype(int)).max() <= 3
