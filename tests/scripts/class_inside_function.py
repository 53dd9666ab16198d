import torch
import torch.nn as nn


def build_classifier(n_in, n_classes, drop=0.3):
    class Classifier(nn.Module):
        def __init__(self):
            super(Classifier, self).__init__()
            self.fc1 = nn.Linear(n_in, 64)
            self.drop = nn.Dropout(drop)
            self.bn = nn.BatchNorm1d(64)
            self.fc2 = nn.Linear(64, n_classes)

        def forward(self, x):
            return self.fc2(torch.relu(self.bn(self.drop(self.fc1(x)))))

    return Classifier()


clf = build_classifier(30, 2)
