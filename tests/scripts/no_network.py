"""Plots the results of a run: nothing to check."""
import csv
import sys

import matplotlib.pyplot as plt


def read(path):
    with open(path) as f:
        return [float(row["loss"]) for row in csv.DictReader(f)]


if __name__ == "__main__":
    plt.plot(read(sys.argv[1]))
    plt.show()
