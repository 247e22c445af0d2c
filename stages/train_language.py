"""Train the language branch.

Reads data/prepared and data/language; writes models/language (weights, held-out logits) and,
through DVCLive, the curves in metrics/train_language.
"""

from __future__ import annotations

import shutil

from dvclive import Live

from stages.common.held_out import HeldOut
from stages.common.keras_setup import set_up
from stages.common.paths import CHECKPOINTS, HELD_OUT, LANGUAGE, LANGUAGE_BRANCH, METRICS
from stages.common.products import prepared_labels, read_training
from stages.common.settings import NoLanguage, load
from stages.language.registry import language_model
from stages.text.texts import with_texts
from stages.training.branch import Examples
from stages.training.out_of_fold import train_branch

CURVES = METRICS / "train_language"


def train_language() -> None:
    """Run the stage."""
    settings = load()
    language, train = settings.language, settings.train
    codes = prepared_labels()
    LANGUAGE_BRANCH.mkdir(parents=True, exist_ok=True)
    with Live(str(CURVES), dvcyaml=None, save_dvc_exp=False) as live:
        if isinstance(language, NoLanguage):
            HeldOut.none(len(codes)).write(LANGUAGE_BRANCH / HELD_OUT)
            return
        set_up(train.seed, train.threads)
        products, texts = with_texts(read_training())
        examples = Examples.of(products, codes)
        branch = language_model(language).branch(language, train, examples, texts, LANGUAGE)
        trained = train_branch(branch, live)
        trained.write(LANGUAGE_BRANCH)
        shutil.rmtree(CHECKPOINTS, ignore_errors=True)
        print("language branch:", trained.accuracy)
