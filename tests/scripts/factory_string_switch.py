import argparse

import torch
import torch.nn as nn


class LeNet(nn.Module):
    def __init__(self, num_classes):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc = nn.Sequential(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, num_classes))

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


class MLP(nn.Module):
    def __init__(self, num_classes, hidden=300):
        super(MLP, self).__init__()
        self.a = nn.Linear(32 * 32, hidden)
        self.b = nn.Linear(hidden, num_classes)

    def forward(self, x):
        return self.b(torch.relu(self.a(x.reshape(len(x), -1))))


def get_model(name, num_classes=10):
    name = name.lower()
    if name == 'lenet':
        return LeNet(num_classes)
    elif name == 'mlp':
        return MLP(num_classes)
    else:
        raise ValueError('unknown architecture %s' % name)


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--arch', default='lenet', choices=['lenet', 'mlp'])
    args = parser.parse_args()
    model = get_model(args.arch)
    x = torch.rand(4, 1, 32, 32)
    print(model(x).shape)
