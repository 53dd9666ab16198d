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
                    ("AdamW", 3.3, -3.8, 9.72, 0.25, "no evidence"),
                    ("SGD", 5.66, 3.15, 8.61, 0.0078, "better"),
                    ("Adadelta", 13.33, 1.94, 26.25, 0.0312, "no evidence"),
                ],
            ),
            (
                "three 3x3 against one 7x7",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", 7.08, 1.76, 13.43, 0.0156, "better"),
                    ("SGD", 3.33, 1.3, 5.28, 0.0156, "better"),
                    ("Adadelta", 5.97, 1.67, 10.37, 0.0234, "better"),
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
                    ("AdamW", -1.56, -4.07, 0.69, 0.1797, "no evidence"),
                    ("SGD", 0.14, -0.74, 0.97, 0.7656, "no evidence"),
                    ("Adadelta", -5.56, -10.46, -0.93, 0.0156, "worse"),
                ],
            ),
            (
                "padded against unpadded",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", -23.51, -30.0, -16.39, 0.0078, "worse"),
                    ("SGD", -2.01, -3.33, -0.74, 0.0156, "worse"),
                    ("Adadelta", -17.53, -24.72, -10.14, 0.0078, "worse"),
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
                    ("AdamW", 39.31, 30.65, 48.75, 0.0078, "better"),
                    ("SGD", 48.51, 33.43, 61.76, 0.0078, "better"),
                    ("Adadelta", 42.01, 26.25, 56.48, 0.0078, "better"),
                ],
            ),
            (
                "activation first against activation last",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -2.47, -4.31, -0.56, 0.0156, "worse"),
                    ("SGD", 0.69, -0.09, 1.53, 0.0938, "no evidence"),
                    ("Adadelta", 7.22, -1.48, 22.36, 0.4219, "no evidence"),
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
                    ("AdamW", -4.86, -6.48, -3.33, 0.0078, "worse"),
                    ("SGD", -0.28, -1.39, 0.69, 0.5469, "no evidence"),
                    ("Adadelta", -1.81, -3.7, 0.09, 0.0625, "no evidence"),
                ],
            ),
            (
                "the same, as large against flatten and dense",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -0.24, -1.11, 0.65, 0.5938, "no evidence"),
                    ("SGD", 0.8, -0.28, 1.94, 0.1406, "no evidence"),
                    ("Adadelta", -0.73, -1.81, 0.42, 0.1953, "no evidence"),
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
                    ("AdamW", 1.84, -1.2, 4.44, 0.1562, "no evidence"),
                    ("SGD", 0.8, -0.46, 1.81, 0.1875, "no evidence"),
                    ("Adadelta", 0.31, -0.65, 1.48, 0.5781, "no evidence"),
                ],
            ),
            (
                "max pooling against mean pooling",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -1.04, -3.47, 1.02, 0.2891, "no evidence"),
                    ("SGD", -0.56, -1.39, 0.28, 0.1719, "no evidence"),
                    ("Adadelta", 2.57, -1.53, 7.78, 0.3047, "no evidence"),
                ],
            ),
            (
                "max pooling against full size",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", 12.67, 8.75, 16.39, 0.0078, "better"),
                    ("SGD", 6.84, 4.26, 9.58, 0.0078, "better"),
                    ("Adadelta", 16.18, 11.81, 20.83, 0.0078, "better"),
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
                    ("AdamW", 24.41, 17.22, 33.06, 0.0078, "better"),
                    ("SGD", 1.35, -0.14, 2.41, 0.0859, "no evidence"),
                    ("Adadelta", 9.03, -0.93, 17.64, 0.0781, "no evidence"),
                ],
            ),
            (
                "8, 16, 32 channels against 18, 18, 18",
                "300 digits, 16x16",
                "accuracy",
                [
                    ("AdamW", 3.4, -0.74, 7.87, 0.1016, "no evidence"),
                    ("SGD", 0.31, -0.56, 1.25, 0.4688, "no evidence"),
                    ("Adadelta", -3.47, -11.11, 2.69, 0.3047, "no evidence"),
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
                    ("AdamW", 3.06, 0.28, 5.74, 0.0391, "no evidence"),
                    ("SGD", 1.22, -0.42, 2.22, 0.1016, "no evidence"),
                    ("Adadelta", 2.67, 0.28, 5.65, 0.0312, "no evidence"),
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
                    ("AdamW", 0.17, -1.67, 2.5, 0.9062, "no evidence"),
                    ("SGD", 1.56, 0.14, 2.96, 0.0469, "no evidence"),
                    ("Adadelta", 2.01, 0.28, 3.8, 0.0156, "better"),
                ],
            ),
            (
                "ReLU against leaky ReLU",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -0.17, -1.02, 0.56, 0.6562, "no evidence"),
                    ("SGD", 0.1, -0.19, 0.46, 0.625, "no evidence"),
                    ("Adadelta", 0.07, -0.93, 1.02, 0.9375, "no evidence"),
                ],
            ),
            (
                "ReLU against GELU",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -1.35, -2.87, 0.09, 0.0938, "no evidence"),
                    ("SGD", -0.03, -0.56, 0.46, 1.0, "no evidence"),
                    ("Adadelta", -0.73, -2.36, 0.93, 0.3125, "no evidence"),
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
                    ("AdamW", 22.88, 19.58, 26.2, 0.0078, "better"),
                    ("SGD", 20.62, 16.85, 24.26, 0.0078, "better"),
                    ("Adadelta", 43.61, 31.94, 56.94, 0.0078, "better"),
                ],
            ),
            (
                "ReLU, no norm against sigmoid",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 59.51, 55.83, 63.24, 0.0078, "better"),
                    ("SGD", 6.11, 1.81, 10.74, 0.0312, "no evidence"),
                    ("Adadelta", 32.26, 13.06, 47.96, 0.0078, "better"),
                ],
            ),
            (
                "ReLU, no norm against tanh",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -3.82, -10.0, 1.48, 0.1484, "no evidence"),
                    ("SGD", -39.44, -46.11, -34.07, 0.0078, "worse"),
                    ("Adadelta", -36.49, -50.28, -24.17, 0.0078, "worse"),
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
                    ("AdamW", 6.77, 3.7, 10.28, 0.0078, "better"),
                    ("SGD", 13.72, 8.98, 18.61, 0.0078, "better"),
                    ("Adadelta", 0.56, -0.93, 2.08, 0.4062, "no evidence"),
                ],
            ),
            (
                "binary cross-entropy against squared error",
                "breast-cancer",
                "accuracy",
                [
                    ("AdamW", -0.33, -0.88, 0.29, 0.375, "no evidence"),
                    ("SGD", -0.77, -1.46, 0.0, 0.0938, "no evidence"),
                    ("Adadelta", -0.33, -0.88, 0.29, 0.375, "no evidence"),
                ],
            ),
            (
                "squared error against absolute error",
                "diabetes",
                "r2",
                [
                    ("AdamW", -0.24, -1.0, 0.36, 0.5, "no evidence"),
                    ("SGD", -3.96, -5.77, -2.24, 0.0078, "worse"),
                    ("Adadelta", -0.76, -2.49, 1.13, 0.3281, "no evidence"),
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
                    ("AdamW", -0.33, -0.88, 0.29, 0.375, "no evidence"),
                    ("SGD", -1.43, -2.63, -0.44, 0.0312, "no evidence"),
                    ("Adadelta", -0.99, -1.75, 0.0, 0.0625, "no evidence"),
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
                    ("AdamW", 20.17, 14.17, 26.11, 0.0078, "better"),
                    ("SGD", 48.68, 44.17, 53.61, 0.0078, "better"),
                    ("Adadelta", 20.24, 13.75, 25.65, 0.0078, "better"),
                ],
            ),
            (
                "scores against log-softmax",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.0, 0.0, 0.0, 1.0, "no evidence"),
                    ("SGD", 0.03, 0.0, 0.14, 1.0, "no evidence"),
                    ("Adadelta", 0.0, -0.19, 0.19, 1.0, "no evidence"),
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
                    ("AdamW", 37.6, 32.22, 42.92, 0.0078, "better"),
                    ("SGD", 87.99, 87.22, 88.7, 0.0078, "better"),
                    ("Adadelta", 81.67, 74.17, 87.5, 0.0078, "better"),
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
                    ("AdamW", -2.01, -4.17, 0.0, 0.0625, "no evidence"),
                    ("SGD", 0.28, -0.56, 1.2, 0.5312, "no evidence"),
                    ("Adadelta", 0.21, -1.53, 1.94, 0.7812, "no evidence"),
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
                    ("AdamW", 0.14, -0.37, 0.65, 0.625, "no evidence"),
                    ("SGD", -0.1, -0.65, 0.28, 0.8438, "no evidence"),
                    ("Adadelta", 0.73, -0.83, 2.41, 0.3672, "no evidence"),
                ],
            ),
            (
                "norm of 64 against norm of 4",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 1.84, 0.74, 2.78, 0.0234, "better"),
                    ("SGD", -0.42, -1.11, 0.37, 0.2812, "no evidence"),
                    ("Adadelta", 6.94, 1.11, 15.0, 0.0156, "better"),
                ],
            ),
            (
                "batches of 64 against of 4",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -4.65, -7.13, -2.41, 0.0078, "worse"),
                    ("SGD", -1.08, -2.22, 0.0, 0.0625, "no evidence"),
                    ("Adadelta", -1.18, -2.5, 0.19, 0.0859, "no evidence"),
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
                    ("AdamW", 0.31, -0.19, 0.83, 0.2656, "no evidence"),
                    ("SGD", 0.0, -0.42, 0.37, 1.0, "no evidence"),
                    ("Adadelta", -1.11, -1.94, -0.28, 0.0312, "no evidence"),
                ],
            ),
            (
                "evaluation mode against training mode, dropout",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 1.04, 0.09, 1.81, 0.0469, "no evidence"),
                    ("SGD", 1.6, 0.69, 2.59, 0.0078, "better"),
                    ("Adadelta", -0.03, -0.97, 0.97, 1.0, "no evidence"),
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
                    ("AdamW", 3.37, 2.08, 5.0, 0.0078, "better"),
                    ("SGD", -0.03, -0.74, 0.69, 1.0, "no evidence"),
                    ("Adadelta", 10.45, 1.11, 20.0, 0.0312, "no evidence"),
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
                    ("AdamW", 8.02, 4.86, 11.11, 0.0078, "better"),
                    ("SGD", 0.42, -0.56, 1.48, 0.4375, "no evidence"),
                    ("Adadelta", 3.4, 1.48, 6.25, 0.0078, "better"),
                ],
            ),
            (
                "0.5 against 0.9",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 7.47, 4.72, 10.56, 0.0078, "better"),
                    ("SGD", 0.42, -0.69, 1.53, 0.375, "no evidence"),
                    ("Adadelta", 3.19, 1.11, 5.56, 0.0156, "better"),
                ],
            ),
            (
                "0.2 against none",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 0.03, -0.37, 0.46, 1.0, "no evidence"),
                    ("SGD", -0.03, -0.28, 0.28, 1.0, "no evidence"),
                    ("Adadelta", 0.28, 0.0, 0.56, 0.125, "no evidence"),
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
                    ("AdamW", 29.76, 23.61, 35.74, 0.0078, "better"),
                    ("SGD", 82.71, 78.33, 85.83, 0.0078, "better"),
                    ("Adadelta", 56.42, 43.61, 70.42, 0.0078, "better"),
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
                    ("AdamW", 17.57, 12.69, 22.5, 0.0078, "better"),
                    ("SGD", 5.31, 3.61, 7.04, 0.0078, "better"),
                    ("Adadelta", 17.47, 10.97, 24.07, 0.0078, "better"),
                ],
            ),
            (
                "shuffled against one order for ever",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -0.49, -1.2, 0.28, 0.1875, "no evidence"),
                    ("SGD", 0.28, -0.46, 1.11, 0.5, "no evidence"),
                    ("Adadelta", -0.35, -0.93, 0.28, 0.2266, "no evidence"),
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
                    ("AdamW", 58.26, 54.31, 61.39, 0.0078, "better"),
                    ("SGD", 57.99, 52.96, 65.0, 0.0078, "better"),
                    ("Adadelta", 51.18, 43.06, 56.94, 0.0078, "better"),
                ],
            ),
            (
                "20 epochs against 10 epochs",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", 13.44, 7.78, 19.86, 0.0078, "better"),
                    ("SGD", 3.82, 2.31, 5.37, 0.0078, "better"),
                    ("Adadelta", 5.9, 4.17, 7.87, 0.0078, "better"),
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
                    ("AdamW", 43.85, 37.04, 51.11, 0.0078, "better"),
                    ("SGD", 25.31, 14.54, 34.58, 0.0156, "better"),
                    ("Adadelta", 32.67, 21.81, 41.2, 0.0078, "better"),
                ],
            ),
            (
                "batches of 64 against one at a time",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("AdamW", -38.44, -44.26, -32.92, 0.0078, "worse"),
                    ("SGD", 25.52, 14.72, 34.81, 0.0156, "better"),
                    ("Adadelta", -43.02, -54.91, -31.94, 0.0078, "worse"),
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
                    ("own", -0.76, -2.04, 0.42, 0.2188, "no evidence"),
                ],
            ),
            (
                "Adadelta, norms against SGD at 0.01",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 10.87, 7.08, 14.44, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, norms against SGD at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 60.24, 52.96, 69.31, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, norms against Adam at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 8.68, 6.39, 10.83, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, norms against AdamW, one cycle",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 2.92, 0.46, 5.42, 0.0234, "better"),
                ],
            ),
            (
                "Adadelta, no norms against SGD at 0.1",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 25.31, 4.72, 46.25, 0.0312, "no evidence"),
                ],
            ),
            (
                "Adadelta, no norms against SGD at 0.01",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 32.19, 13.06, 47.78, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, no norms against SGD at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 31.91, 11.53, 48.06, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, no norms against Adam at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", -16.46, -30.0, -1.81, 0.0234, "worse"),
                ],
            ),
            (
                "Adadelta, no norms against AdamW, one cycle",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", -27.33, -43.89, -13.8, 0.0078, "worse"),
                ],
            ),
            (
                "Adadelta, dense layers against SGD at 0.1",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", -0.21, -0.83, 0.65, 0.5781, "no evidence"),
                ],
            ),
            (
                "Adadelta, dense layers against SGD at 0.01",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 5.28, 4.31, 6.3, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, dense layers against SGD at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 65.1, 60.37, 70.46, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, dense layers against Adam at 0.001",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 2.53, 1.67, 3.47, 0.0078, "better"),
                ],
            ),
            (
                "Adadelta, dense layers against AdamW, one cycle",
                "300 digits, 8x8",
                "accuracy",
                [
                    ("own", 0.69, -0.37, 1.85, 0.2188, "no evidence"),
                ],
            ),
        ],
    ),
}
