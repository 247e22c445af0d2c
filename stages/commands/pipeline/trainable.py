"""Whether a branch will find enough to learn from, by the conditions of its own stage.

The stages that train divide what their branch can see, and refuse what cannot be divided.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from stages.common.settings import (
    ImageSettings,
    LanguageSettings,
    Settings,
    TextSettings,
    TunedLanguage,
)
from stages.preparation.parts import in_parts
from stages.preparation.usable import Usable
from stages.training.division import NothingToLearnError, divided

Trained = TextSettings | LanguageSettings | ImageSettings


def refusals(usable: Usable, unreadable: set[str], settings: Settings) -> dict[str, str]:
    """Branches that will refuse these products, of whose pictures some are `unreadable`, and what
    they will say. Raises CatalogueError: `prepare` refuses to divide them."""
    usable, parts = in_parts(usable, settings.prepare)
    products = _training(usable.products, parts.part)
    seen = usable.texts.loc[products.index]
    with_text = products[(seen != "").any(axis=1)]
    with_picture = products[~products["picture"].isin({"", *unreadable})]
    return {
        name: refused
        for name, branch, visible in (
            ("text", settings.text, with_text),
            ("language", settings.language, with_text),
            ("image", settings.image, with_picture),
        )
        if isinstance(branch, TextSettings | LanguageSettings | ImageSettings)
        and (refused := _refusal(branch, settings, visible))
    }


def _training(products: pd.DataFrame, part: np.ndarray) -> pd.DataFrame:
    """Train and validation, in the order in which stages read them."""
    train, validation = products[part == "train"], products[part == "validation"]
    return pd.concat([train.assign(validation=False), validation.assign(validation=True)])


def _refusal(
    branch: Trained,
    settings: Settings,
    products: pd.DataFrame,
) -> str:
    going_on, stopping = (
        _division_refusal(branch, settings, products, stops) for stops in (False, True)
    )
    if going_on != stopping and _stops(branch, settings, products):
        return stopping
    return going_on


def _division_refusal(
    branch: Trained,
    settings: Settings,
    products: pd.DataFrame,
    stops: bool,
) -> str:
    try:
        divided(
            pd.factorize(products["prdtypecode"])[0],
            products["group"].to_numpy(),
            products["validation"].to_numpy(),
            count=branch.folds,
            stops=stops,
            seed=settings.train.seed,
        )
    except NothingToLearnError as error:
        return str(error)
    return ""


def _stops(
    branch: Trained,
    settings: Settings,
    products: pd.DataFrame,
) -> bool:
    """Whether the branch stops early, which its model knows.

    Only where that decides, as it takes TensorFlow, which takes seconds to load.
    """
    if isinstance(branch, LanguageSettings):  # its model would ask for the encoder's files
        return isinstance(branch, TunedLanguage)
    from stages.image.registry import image_model
    from stages.text.registry import text_model
    from stages.training.branch import Examples
    from stages.training.features import Features

    examples = Examples.of(products, sorted(set(products["prdtypecode"])))
    if isinstance(branch, TextSettings):
        return text_model(branch).branch(branch, settings.train, examples, []).stops
    nothing = Features(np.zeros((0, 1)), np.zeros(0, int))
    return image_model(branch).branch(branch, settings.train, examples, nothing).stops
