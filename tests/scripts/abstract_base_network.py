from abc import ABC, abstractmethod

import torch
import torch.nn as nn


class BaseNet(nn.Module, ABC):
    def __init__(self, input_shape):
        super().__init__()
        self.input_shape = input_shape
        self.features = self.build_features()
        self.head = nn.Linear(self.feature_size(), self.n_outputs)

    @property
    @abstractmethod
    def n_outputs(self): ...

    @abstractmethod
    def build_features(self): ...

    def feature_size(self):
        with torch.no_grad():
            return self.features(torch.zeros(1, *self.input_shape)).view(1, -1).size(1)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


class AtariNet(BaseNet):
    n_outputs = 6

    def build_features(self):
        return nn.Sequential(
            nn.Conv2d(self.input_shape[0], 32, kernel_size=8, stride=4), nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=4, stride=2), nn.ReLU(),
            nn.Conv2d(64, 64, kernel_size=3, stride=1), nn.ReLU())


q_net = AtariNet((4, 84, 84))
target_net = AtariNet((4, 84, 84))
target_net.load_state_dict(q_net.state_dict())
