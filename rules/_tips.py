"""The tips of the 2016 post "Neural network implementation tips and tricks", each in one sentence of our own.

A rule names the tips it serves by their keys (``tips=("small-kernels",)``); `nnlint rules --tips` shows them together.
Read by `ast`, so the value is a literal: section → key → tip.
"""

TIPS = {
    "convolution": {
        "small-kernels": "Use 3x3 kernels, and stack them where more has to be seen.",
        "same-padding": "Pad by 1, so that a 3x3 convolution keeps the size of the map.",
        "residual-blocks": "Build very deep networks from residual blocks, activation before convolution.",
        "global-average-pooling": "End with 1x1 convolutions and global average pooling, not fully connected layers.",
        "max-pool-or-stride": "Make maps smaller by max pooling or by the stride of a convolution.",
        "maps-grow-as-size-falls": "Start with large maps and few channels, and add channels as the maps get smaller.",
    },
    "activation": {
        "non-linearity-after-weights": "Follow every layer with weights but the last by a non-linearity.",
        "relu-family": "Take ReLU or one of its relatives between layers.",
        "squash-at-output-only": "Keep sigmoid and tanh for outputs that have to lie in an interval.",
        "in-place": "Let activations work in place, which saves memory.",
    },
    "loss": {
        "loss-fits-task": "Cross-entropy for classes, binary cross-entropy for yes or no, squared error for numbers.",
        "sigmoid-with-bce": "Put a sigmoid before binary cross-entropy, always.",
        "no-log-softmax-with-cross-entropy": "Give cross-entropy the raw scores: it contains the log-softmax.",
    },
    "normalisation": {
        "batch-norm": "Use batch norm.",
        "norm-before-activation": "Normalise before the non-linearity.",
        "large-batches": "Give batch norm batches of 16 or more, better 64 to 128.",
        "train-and-eval-mode": "Switch to evaluation mode to evaluate, and back to train.",
    },
    "dropout": {
        "dropout-after-norm": "Dropout may stand on either side of the non-linearity, but after batch norm.",
        "moderate-dropout": "Drop 0.2 for weak and 0.5 for moderate regularisation.",
        "architecture-before-dropout": "Settle the rest of the network first, and add dropout then.",
    },
    "data": {
        "preprocess-ahead": "Preprocess ahead of time, not while training.",
        "epochs-and-shuffling": "Train in epochs over shuffled data, never grouped by class.",
        "metrics-each-epoch": "Look at the metrics of every epoch.",
        "twenty-to-hundred-epochs": "Train for 20 to 100 epochs.",
        "mini-batches": "Train on mini-batches.",
    },
    "optimisation": {
        "adadelta-first": "Start with ADADELTA while architectures are compared: it needs no tuning.",
    },
    "cuda": {
        "gpu-and-cudnn": "Train on a CUDA GPU with cuDNN.",
        "benchmark-mode": "Let cuDNN measure its algorithms where speed matters.",
        "deterministic-mode": "Ask for deterministic algorithms where a run has to be repeated exactly.",
    },
}
