"""What following each tip was worth where it was put to the test; written by ``examples/tips/run.py``.

Tip → what the measurements say of it; the smallest and the largest effect where it promises one; the comparisons: what
was compared, data, metric, and for each recipe the mean effect of following over the seeds and the ends of its interval
of 95 % (percentage points of accuracy, hundredths of R²), p, and the verdict on following with all comparisons
considered. Read by `ast`, so the value is a literal.
"""

# ruff: noqa: E501, RUF001

MEASURED: dict[str, object] = {
    "small-kernels": (
        "holds in 4 of 6 comparisons, no evidence in 2",
        "+3.3 to +13.3",
        [
            (
                "two 3x3 against one 5x5",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", 3.299, -3.796, 9.722, 0.25, "no evidence"),
                    ("SGD", 5.66, 3.148, 8.611, 0.0078, "better"),
                    ("Adadelta", 13.333, 1.944, 26.25, 0.0312, "no evidence"),
                ],
            ),
            (
                "three 3x3 against one 7x7",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", 7.083, 1.759, 13.426, 0.0156, "better"),
                    ("SGD", 3.333, 1.296, 5.278, 0.0156, "better"),
                    ("Adadelta", 5.972, 1.667, 10.37, 0.0234, "better"),
                ],
            ),
        ],
    ),
    "same-padding": (
        "does not hold in 4 of 6 comparisons, no evidence in 2",
        "−23.5 to +0.1",
        [
            (
                "padded, then pooled against unpadded",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", -1.563, -4.074, 0.694, 0.1797, "no evidence"),
                    ("SGD", 0.139, -0.741, 0.972, 0.7656, "no evidence"),
                    ("Adadelta", -5.556, -10.463, -0.926, 0.0156, "worse"),
                ],
            ),
            (
                "padded against unpadded",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", -23.507, -30.0, -16.389, 0.0078, "worse"),
                    ("SGD", -2.014, -3.333, -0.741, 0.0156, "worse"),
                    ("Adadelta", -17.535, -24.722, -10.139, 0.0078, "worse"),
                ],
            ),
        ],
    ),
    "residual-blocks": (
        "holds in 3 of 6 comparisons, not in 1, no evidence in 2",
        "−2.5 to +48.5",
        [
            (
                "residual, activation last against plain stack",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 39.306, 30.648, 48.75, 0.0078, "better"),
                    ("SGD", 48.507, 33.426, 61.759, 0.0078, "better"),
                    ("Adadelta", 42.014, 26.25, 56.481, 0.0078, "better"),
                ],
            ),
            (
                "activation first against activation last",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -2.465, -4.306, -0.556, 0.0156, "worse"),
                    ("SGD", 0.694, -0.093, 1.528, 0.0938, "no evidence"),
                    ("Adadelta", 7.222, -1.481, 22.361, 0.4219, "no evidence"),
                ],
            ),
        ],
    ),
    "global-average-pooling": (
        "does not hold in 1 of 6 comparisons, no evidence in 5",
        "−4.9 to +0.8",
        [
            (
                "average pooling against flatten and dense",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -4.861, -6.481, -3.333, 0.0078, "worse"),
                    ("SGD", -0.278, -1.389, 0.694, 0.5469, "no evidence"),
                    ("Adadelta", -1.806, -3.704, 0.093, 0.0625, "no evidence"),
                ],
            ),
            (
                "the same, as large against flatten and dense",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -0.243, -1.111, 0.648, 0.5938, "no evidence"),
                    ("SGD", 0.799, -0.278, 1.944, 0.1406, "no evidence"),
                    ("Adadelta", -0.729, -1.806, 0.417, 0.1953, "no evidence"),
                ],
            ),
        ],
    ),
    "max-pool-or-stride": (
        "holds in 3 of 6 comparisons, no evidence in 3; alike to within 2 points in 2 of 3 that should be, undecided in 1",
        "−1.0 to +16.2",
        [
            (
                "max pooling against stride",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 1.84, -1.204, 4.444, 0.1562, "no evidence"),
                    ("SGD", 0.799, -0.463, 1.806, 0.1875, "no evidence"),
                    ("Adadelta", 0.313, -0.648, 1.481, 0.5781, "no evidence"),
                ],
            ),
            (
                "max pooling against mean pooling",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -1.042, -3.472, 1.019, 0.2891, "no evidence"),
                    ("SGD", -0.556, -1.389, 0.278, 0.1719, "no evidence"),
                    ("Adadelta", 2.569, -1.528, 7.778, 0.3047, "no evidence"),
                ],
            ),
            (
                "max pooling against full size",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", 12.674, 8.75, 16.389, 0.0078, "better"),
                    ("SGD", 6.84, 4.259, 9.583, 0.0078, "better"),
                    ("Adadelta", 16.181, 11.806, 20.833, 0.0078, "better"),
                ],
            ),
        ],
    ),
    "maps-grow-as-size-falls": (
        "holds in 1 of 6 comparisons, no evidence in 5",
        "−3.5 to +24.4",
        [
            (
                "8, 16, 32 channels against 32, 16, 8",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", 24.41, 17.222, 33.056, 0.0078, "better"),
                    ("SGD", 1.354, -0.139, 2.407, 0.0859, "no evidence"),
                    ("Adadelta", 9.028, -0.926, 17.639, 0.0781, "no evidence"),
                ],
            ),
            (
                "8, 16, 32 channels against 18, 18, 18",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", 3.403, -0.741, 7.87, 0.1016, "no evidence"),
                    ("SGD", 0.312, -0.556, 1.25, 0.4688, "no evidence"),
                    ("Adadelta", -3.472, -11.111, 2.685, 0.3047, "no evidence"),
                ],
            ),
        ],
    ),
    "non-linearity-after-weights": (
        "no evidence in 3 of 3 comparisons",
        "+1.2 to +3.1",
        [
            (
                "after every layer against every second",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 3.056, 0.278, 5.741, 0.0391, "no evidence"),
                    ("SGD", 1.215, -0.417, 2.222, 0.1016, "no evidence"),
                    ("Adadelta", 2.674, 0.278, 5.648, 0.0312, "no evidence"),
                ],
            ),
        ],
    ),
    "relu-family": (
        "holds in 1 of 3 comparisons, no evidence in 2; alike to within 2 points in 4 of 6 that should be, undecided in 2",
        "+0.2 to +2.0",
        [
            (
                "ReLU against tanh",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.174, -1.667, 2.5, 0.9062, "no evidence"),
                    ("SGD", 1.562, 0.139, 2.963, 0.0469, "no evidence"),
                    ("Adadelta", 2.014, 0.278, 3.796, 0.0156, "better"),
                ],
            ),
            (
                "ReLU against leaky ReLU",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -0.174, -1.019, 0.556, 0.6562, "no evidence"),
                    ("SGD", 0.104, -0.185, 0.463, 0.625, "no evidence"),
                    ("Adadelta", 0.069, -0.926, 1.019, 0.9375, "no evidence"),
                ],
            ),
            (
                "ReLU against GELU",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -1.354, -2.87, 0.093, 0.0938, "no evidence"),
                    ("SGD", -0.035, -0.556, 0.463, 1.0, "no evidence"),
                    ("Adadelta", -0.729, -2.361, 0.926, 0.3125, "no evidence"),
                ],
            ),
        ],
    ),
    "squash-at-output-only": (
        "holds in 5 of 9 comparisons, not in 2, no evidence in 2",
        "−39.4 to +59.5",
        [
            (
                "ReLU against sigmoid",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 22.882, 19.583, 26.204, 0.0078, "better"),
                    ("SGD", 20.625, 16.852, 24.259, 0.0078, "better"),
                    ("Adadelta", 43.611, 31.944, 56.944, 0.0078, "better"),
                ],
            ),
            (
                "ReLU, no norm against sigmoid",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 59.514, 55.833, 63.241, 0.0078, "better"),
                    ("SGD", 6.111, 1.806, 10.741, 0.0312, "no evidence"),
                    ("Adadelta", 32.257, 13.056, 47.963, 0.0078, "better"),
                ],
            ),
            (
                "ReLU, no norm against tanh",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -3.819, -10.0, 1.481, 0.1484, "no evidence"),
                    ("SGD", -39.444, -46.111, -34.074, 0.0078, "worse"),
                    ("Adadelta", -36.493, -50.278, -24.167, 0.0078, "worse"),
                ],
            ),
        ],
    ),
    "in-place": (
        "holds in 3 of 6 comparisons, not in 3",
        "0.0",
        [
            (
                "in place, norm against new tensors",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                    ("SGD", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                    ("Adadelta", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                ],
            ),
            (
                "in place, no norm against new tensors",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                    ("SGD", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                    ("Adadelta", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                ],
            ),
        ],
    ),
    "loss-fits-task": (
        "holds in 2 of 9 comparisons, not in 1, no evidence in 6",
        "−4.0 to +13.7",
        [
            (
                "cross-entropy against squared error",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 6.771, 3.704, 10.278, 0.0078, "better"),
                    ("SGD", 13.715, 8.981, 18.611, 0.0078, "better"),
                    ("Adadelta", 0.556, -0.926, 2.083, 0.4062, "no evidence"),
                ],
            ),
            (
                "binary cross-entropy against squared error",
                "breast-cancer",
                "accuracy",
                [
                    ("AdamW", -0.329, -0.877, 0.292, 0.375, "no evidence"),
                    ("SGD", -0.768, -1.462, 0.0, 0.0938, "no evidence"),
                    ("Adadelta", -0.329, -0.877, 0.292, 0.375, "no evidence"),
                ],
            ),
            (
                "squared error against absolute error",
                "diabetes",
                "r2",
                [
                    ("AdamW", -0.243, -0.996, 0.355, 0.5, "no evidence"),
                    ("SGD", -3.961, -5.766, -2.238, 0.0078, "worse"),
                    ("Adadelta", -0.765, -2.487, 1.13, 0.3281, "no evidence"),
                ],
            ),
        ],
    ),
    "sigmoid-with-bce": (
        "holds in 3 of 6 comparisons, no evidence in 3; alike to within 2 points in 3 of 3 that should be",
        "−1.4 to −0.3",
        [
            (
                "sigmoid and BCE against BCE without sigmoid",
                "breast-cancer",
                "accuracy",
                [
                    ("AdamW", None, None, None, None, "departing cannot be trained"),
                    ("SGD", None, None, None, None, "departing cannot be trained"),
                    ("Adadelta", None, None, None, None, "departing cannot be trained"),
                ],
            ),
            (
                "sigmoid and BCE against BCE with logits",
                "breast-cancer",
                "accuracy",
                [
                    ("AdamW", 0.0, 0.0, 0.0, 1.0, "no evidence"),
                    ("SGD", 0.0, 0.0, 0.0, 1.0, "no evidence"),
                    ("Adadelta", 0.0, 0.0, 0.0, 1.0, "no evidence"),
                ],
            ),
            (
                "BCE with logits against sigmoid before it",
                "breast-cancer",
                "accuracy",
                [
                    ("AdamW", -0.329, -0.877, 0.292, 0.375, "no evidence"),
                    ("SGD", -1.425, -2.632, -0.439, 0.0312, "no evidence"),
                    ("Adadelta", -0.987, -1.754, 0.0, 0.0625, "no evidence"),
                ],
            ),
        ],
    ),
    "no-log-softmax-with-cross-entropy": (
        "holds in all 3 comparisons; alike to within 2 points in 3 of 3 that should be",
        "+20.2 to +48.7",
        [
            (
                "scores against softmax",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 20.174, 14.167, 26.111, 0.0078, "better"),
                    ("SGD", 48.681, 44.167, 53.611, 0.0078, "better"),
                    ("Adadelta", 20.243, 13.75, 25.648, 0.0078, "better"),
                ],
            ),
            (
                "scores against log-softmax",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.0, 0.0, 0.0, 1.0, "no evidence"),
                    ("SGD", 0.035, 0.0, 0.139, 1.0, "no evidence"),
                    ("Adadelta", 0.0, -0.185, 0.185, 1.0, "no evidence"),
                ],
            ),
        ],
    ),
    "batch-norm": (
        "holds in all 3 comparisons",
        "+37.6 to +88.0",
        [
            (
                "batch norm against none",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 37.604, 32.222, 42.917, 0.0078, "better"),
                    ("SGD", 87.986, 87.222, 88.704, 0.0078, "better"),
                    ("Adadelta", 81.667, 74.167, 87.5, 0.0078, "better"),
                ],
            ),
        ],
    ),
    "norm-before-activation": (
        "no evidence in 3 of 3 comparisons",
        "−2.0 to +0.3",
        [
            (
                "norm, ReLU against ReLU, norm",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -2.014, -4.167, 0.0, 0.0625, "no evidence"),
                    ("SGD", 0.278, -0.556, 1.204, 0.5312, "no evidence"),
                    ("Adadelta", 0.208, -1.528, 1.944, 0.7812, "no evidence"),
                ],
            ),
        ],
    ),
    "large-batches": (
        "holds in 2 of 6 comparisons, not in 1, no evidence in 3; alike to within 2 points in 2 of 3 that should be, undecided in 1",
        "−4.7 to +6.9",
        [
            (
                "norm of 64 against norm of 16",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.139, -0.37, 0.648, 0.625, "no evidence"),
                    ("SGD", -0.104, -0.648, 0.278, 0.8438, "no evidence"),
                    ("Adadelta", 0.729, -0.833, 2.407, 0.3672, "no evidence"),
                ],
            ),
            (
                "norm of 64 against norm of 4",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 1.84, 0.741, 2.778, 0.0234, "better"),
                    ("SGD", -0.417, -1.111, 0.37, 0.2812, "no evidence"),
                    ("Adadelta", 6.944, 1.111, 15.0, 0.0156, "better"),
                ],
            ),
            (
                "batches of 64 against of 4",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -4.653, -7.13, -2.407, 0.0078, "worse"),
                    ("SGD", -1.076, -2.222, 0.0, 0.0625, "no evidence"),
                    ("Adadelta", -1.181, -2.5, 0.185, 0.0859, "no evidence"),
                ],
            ),
        ],
    ),
    "train-and-eval-mode": (
        "holds in 1 of 6 comparisons, no evidence in 5",
        "−1.1 to +1.6",
        [
            (
                "evaluation mode against training mode",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.313, -0.185, 0.833, 0.2656, "no evidence"),
                    ("SGD", 0.0, -0.417, 0.37, 1.0, "no evidence"),
                    ("Adadelta", -1.111, -1.944, -0.278, 0.0312, "no evidence"),
                ],
            ),
            (
                "evaluation mode against training mode, dropout",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 1.042, 0.093, 1.806, 0.0469, "no evidence"),
                    ("SGD", 1.597, 0.694, 2.593, 0.0078, "better"),
                    ("Adadelta", -0.035, -0.972, 0.972, 1.0, "no evidence"),
                ],
            ),
        ],
    ),
    "dropout-after-norm": (
        "holds in 1 of 3 comparisons, no evidence in 2",
        "0.0 to +10.5",
        [
            (
                "after the norm against before it",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 3.368, 2.083, 5.0, 0.0078, "better"),
                    ("SGD", -0.035, -0.741, 0.694, 1.0, "no evidence"),
                    ("Adadelta", 10.451, 1.111, 20.0, 0.0312, "no evidence"),
                ],
            ),
        ],
    ),
    "moderate-dropout": (
        "holds in 4 of 9 comparisons, no evidence in 5",
        "0.0 to +8.0",
        [
            (
                "0.2 against 0.9",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 8.021, 4.861, 11.111, 0.0078, "better"),
                    ("SGD", 0.417, -0.556, 1.481, 0.4375, "no evidence"),
                    ("Adadelta", 3.403, 1.481, 6.25, 0.0078, "better"),
                ],
            ),
            (
                "0.5 against 0.9",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 7.465, 4.722, 10.556, 0.0078, "better"),
                    ("SGD", 0.417, -0.694, 1.528, 0.375, "no evidence"),
                    ("Adadelta", 3.194, 1.111, 5.556, 0.0156, "better"),
                ],
            ),
            (
                "0.2 against none",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.035, -0.37, 0.463, 1.0, "no evidence"),
                    ("SGD", -0.035, -0.278, 0.278, 1.0, "no evidence"),
                    ("Adadelta", 0.278, 0.0, 0.556, 0.125, "no evidence"),
                ],
            ),
        ],
    ),
    "architecture-before-dropout": (
        "holds in all 3 comparisons",
        "+29.8 to +82.7",
        [
            (
                "norms, no dropout against dropout, no norms",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 29.757, 23.611, 35.741, 0.0078, "better"),
                    ("SGD", 82.708, 78.333, 85.833, 0.0078, "better"),
                    ("Adadelta", 56.424, 43.611, 70.417, 0.0078, "better"),
                ],
            ),
        ],
    ),
    "preprocess-ahead": (
        "holds in all 3 comparisons",
        "0.0",
        [
            (
                "once against in every epoch",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                    ("SGD", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                    ("Adadelta", 0.0, 0.0, 0.0, 1.0, "bit-identical"),
                ],
            ),
        ],
    ),
    "epochs-and-shuffling": (
        "holds in 3 of 6 comparisons, no evidence in 3",
        "−0.5 to +17.6",
        [
            (
                "shuffled against grouped by class",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 17.569, 12.685, 22.5, 0.0078, "better"),
                    ("SGD", 5.313, 3.611, 7.037, 0.0078, "better"),
                    ("Adadelta", 17.465, 10.972, 24.074, 0.0078, "better"),
                ],
            ),
            (
                "shuffled against one order for ever",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -0.486, -1.204, 0.278, 0.1875, "no evidence"),
                    ("SGD", 0.278, -0.463, 1.111, 0.5, "no evidence"),
                    ("Adadelta", -0.347, -0.926, 0.278, 0.2266, "no evidence"),
                ],
            ),
        ],
    ),
    "twenty-to-hundred-epochs": (
        "holds in all 6 comparisons",
        "+3.8 to +58.3",
        [
            (
                "20 epochs against 3 epochs",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 58.264, 54.306, 61.389, 0.0078, "better"),
                    ("SGD", 57.986, 52.963, 65.0, 0.0078, "better"),
                    ("Adadelta", 51.181, 43.056, 56.944, 0.0078, "better"),
                ],
            ),
            (
                "20 epochs against 10 epochs",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 13.438, 7.778, 19.861, 0.0078, "better"),
                    ("SGD", 3.819, 2.315, 5.37, 0.0078, "better"),
                    ("Adadelta", 5.903, 4.167, 7.87, 0.0078, "better"),
                ],
            ),
        ],
    ),
    "mini-batches": (
        "holds in 4 of 6 comparisons, not in 2",
        "−43.0 to +43.9",
        [
            (
                "batches of 64 against all at once",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 43.854, 37.037, 51.111, 0.0078, "better"),
                    ("SGD", 25.312, 14.537, 34.583, 0.0156, "better"),
                    ("Adadelta", 32.674, 21.806, 41.204, 0.0078, "better"),
                ],
            ),
            (
                "batches of 64 against one at a time",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -38.438, -44.259, -32.917, 0.0078, "worse"),
                    ("SGD", 25.521, 14.722, 34.815, 0.0156, "better"),
                    ("Adadelta", -43.021, -54.907, -31.944, 0.0078, "worse"),
                ],
            ),
        ],
    ),
    "adadelta-first": (
        "holds in 9 of 15 comparisons, not in 2, no evidence in 4",
        "−27.3 to +65.1",
        [
            (
                "Adadelta, norms against SGD at 0.1",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", -0.764, -2.037, 0.417, 0.2188, "no evidence"),
                ],
            ),
            (
                "Adadelta, norms against SGD at 0.01",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 10.868, 7.083, 14.444, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, norms against SGD at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 60.243, 52.963, 69.306, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, norms against Adam at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 8.681, 6.389, 10.833, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, norms against AdamW, one cycle",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 2.917, 0.463, 5.417, 0.0234, "better"),
                ],
            ),
            (
                "Adadelta, no norms against SGD at 0.1",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 25.312, 4.722, 46.25, 0.0312, "no evidence"),
                ],
            ),
            (
                "Adadelta, no norms against SGD at 0.01",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 32.188, 13.056, 47.778, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, no norms against SGD at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 31.91, 11.528, 48.056, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, no norms against Adam at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", -16.458, -30.0, -1.806, 0.0234, "worse"),
                ],
            ),
            (
                "Adadelta, no norms against AdamW, one cycle",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", -27.326, -43.889, -13.796, 0.0078, "worse"),
                ],
            ),
            (
                "Adadelta, dense layers against SGD at 0.1",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", -0.208, -0.833, 0.648, 0.5781, "no evidence"),
                ],
            ),
            (
                "Adadelta, dense layers against SGD at 0.01",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 5.278, 4.306, 6.296, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, dense layers against SGD at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 65.104, 60.37, 70.463, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, dense layers against Adam at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 2.535, 1.667, 3.472, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, dense layers against AdamW, one cycle",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 0.694, -0.37, 1.852, 0.2188, "no evidence"),
                ],
            ),
        ],
    ),
}
