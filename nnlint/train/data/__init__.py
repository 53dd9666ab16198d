"""Data to train on, in whatever form they come: checked once, then plain tensors."""
