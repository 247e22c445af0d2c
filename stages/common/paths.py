"""The four files of a catalogue, as the Rakuten France challenge names them."""

TRAIN_PRODUCTS = "X_train_update.csv"
TRAIN_CODES = "Y_train_CVw08PX.csv"
TEST_PRODUCTS = "X_test_update.csv"
IMAGES = "images.zip"
FILES = (TRAIN_PRODUCTS, TRAIN_CODES, TEST_PRODUCTS, IMAGES)
