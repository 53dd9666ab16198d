import torch
from torch import nn
from torch.utils.data import DataLoader

CONFIG = {
    "model": {"width": 16},
    "train": {"batch_size": 4, "lr": 5e-4, "epochs": 50},
}


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, 3)

    def forward(self, x):
        return self.fc(torch.relu(self.bn(self.conv(x))).mean((2, 3)))


def train(dataset, config=CONFIG):
    net = Net(config["model"]["width"])
    loader = DataLoader(dataset, CONFIG["train"]["batch_size"], shuffle=True)
    optimizer = torch.optim.NAdam(net.parameters(), lr=CONFIG["train"]["lr"])
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(CONFIG["train"]["epochs"]):
        net.train()
        for x, y in loader:
            loss = loss_fn(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
