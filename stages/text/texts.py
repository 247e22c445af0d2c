"""The texts of prepared products, as the service would read them."""

from __future__ import annotations

import pandas as pd

from serving.listing.text import Text, normalise_listing


def with_texts(products: pd.DataFrame) -> tuple[pd.DataFrame, list[Text]]:
    """The products that have a text, and their texts, normalised."""
    fields = zip(products["designation"], products["description"], strict=True)
    texts = [normalise_listing(designation, description) for designation, description in fields]
    seen = [not text.empty for text in texts]
    return products[seen], [text for text in texts if not text.empty]
