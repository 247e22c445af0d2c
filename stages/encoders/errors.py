"""What is wrong with a pretrained encoder."""

from __future__ import annotations

from stages.common.output import StageError


class EncoderError(StageError):
    """The configured encoder cannot be used; the message names file and value."""
