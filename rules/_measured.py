"""What following each tip was worth where it was put to the test; written by ``examples/tips/run.py``.

Tip → what the measurements say of it, and the comparisons: what was compared, data, metric, and for each recipe the
mean effect of following over the seeds and the ends of its interval of 95 % (percentage points of accuracy, hundredths
of R²), p, and the verdict on following with all comparisons considered. Read by `ast`, so the value is a literal.
"""

MEASURED = {}
