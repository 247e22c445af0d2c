"""Train the image branch.

Reads data/prepared and data/images; writes models/image (weights, held-out logits) and, through
DVCLive, the curves in metrics/train_image.
"""

from __future__ import annotations

from dvclive import Live

from stages.common.held_out import HeldOut
from stages.common.keras_setup import set_up
from stages.common.paths import HELD_OUT, IMAGE_BRANCH, METRICS, PICTURES
from stages.common.products import prepared_labels, read_training
from stages.common.settings import NoImage, load
from stages.image.kept import with_pictures
from stages.image.registry import image_model
from stages.training.branch import Examples
from stages.training.out_of_fold import train_branch

CURVES = METRICS / "train_image"


def train_image() -> None:
    """Run the stage."""
    settings = load()
    image, train = settings.image, settings.train
    codes = prepared_labels()
    IMAGE_BRANCH.mkdir(parents=True, exist_ok=True)
    with Live(str(CURVES), dvcyaml=None, save_dvc_exp=False) as live:
        if isinstance(image, NoImage):
            HeldOut.none(len(codes)).write(IMAGE_BRANCH / HELD_OUT)
            return
        set_up(train.seed, train.threads)
        training = read_training()
        products, pictures = with_pictures(training, PICTURES)
        unreadable = int((training["picture"] != "").sum()) - len(products)
        live.log_metric("unreadable_pictures", unreadable, plot=False)
        branch = image_model(image).branch(image, train, Examples.of(products, codes), pictures)
        trained = train_branch(branch, live)
        trained.write(IMAGE_BRANCH)
        print(f"image branch: {trained.accuracy}; {unreadable} pictures could not be read")
