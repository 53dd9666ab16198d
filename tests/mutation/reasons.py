"""Why a fault is not found, or found elsewhere: what RESULTS.md says of each miss that is left."""

REASONS = {
    "average-pool-downsampling": "the rule leaves networks with a decoder alone",
    "batch-mixed": "views inside attention; why the second run does not show it has not been looked into",
    "cuda-not-used": "the device is handed to functions as a parameter, which counts as unknown",
    "cudnn-benchmark-off": "stands where the batch is moved, not where the network or the device is made",
    "learning-rate-out-of-range": "not looked into",
    "loss-task-mismatch": "that the targets are standardised, so that half are negative, is not read",
    "missing-activation": "kernel = stride counts as patches; a mean over axes is not taken for a pooling",
    "missing-train-mode": "a trainer class whose evaluation is a method with a decorator; not looked into",
    "network-not-traced": "a method that a tensor lacks may mean a wrong input: it asks for the input, at the network",
    "no-mini-batches": "`batch_size=len(data)` is not evaluated; nor is what `random_split` gives",
    "no-normalisation": "without convolutions and with a skip it is taken for a network of coordinates",
    "parameters-not-optimized": "a part of one network's parameters is not compared with the whole; for two networks "
    "exchanged, the finding stands at the other optimiser",
    "softmax-between-layers": "two readers: the next layer and the shortcut",
    "softmax-over-batch": "inside a network axis 0 may be a bag of instances; with a second loss for measuring, "
    "cross-entropy has the log-softmax too",
    "uncommon-epoch-count": "networks that read tokens are left alone, many epochs included",
}
