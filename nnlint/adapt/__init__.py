"""A network of a file made fit for training on given data: built with weights, as often as wanted."""
