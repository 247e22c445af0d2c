"""Train the text branch.

Reads data/prepared; writes models/text (encoder, weights, held-out logits) and, through DVCLive,
the curves in metrics/train_text.
"""

from __future__ import annotations

from dvclive import Live

from stages.common.held_out import HeldOut
from stages.common.keras_setup import set_up
from stages.common.paths import HELD_OUT, METRICS, TEXT_BRANCH
from stages.common.products import prepared_labels, read_training
from stages.common.settings import NoText, load
from stages.text.registry import text_model
from stages.text.texts import with_texts
from stages.training.branch import Examples
from stages.training.out_of_fold import train_branch

CURVES = METRICS / "train_text"


def train_text() -> None:
    """Run the stage."""
    settings = load()
    text, train = settings.text, settings.train
    codes = prepared_labels()
    TEXT_BRANCH.mkdir(parents=True, exist_ok=True)
    with Live(str(CURVES), dvcyaml=None, save_dvc_exp=False) as live:
        if isinstance(text, NoText):
            HeldOut.none(len(codes)).write(TEXT_BRANCH / HELD_OUT)
            return
        set_up(train.seed, train.threads)
        products, listings = with_texts(read_training())
        branch = text_model(text).branch(text, train, Examples.of(products, codes), listings)
        trained = train_branch(branch, live)
        trained.branch.encoder.write(TEXT_BRANCH)
        trained.write(TEXT_BRANCH)
        print("text branch:", trained.accuracy)
