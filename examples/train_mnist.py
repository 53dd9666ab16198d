"""A training script as tutorials write it: everything at module level, options by argparse, data by torchvision.

nnlint reads it without training, and without torchvision being installed.
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

parser = argparse.ArgumentParser(description="handwritten digits")
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--test-batch-size", type=int, default=1000)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--data", required=True, help="folder of the data set")
args = parser.parse_args()

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(1)

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_loader = DataLoader(
    datasets.MNIST(args.data, train=True, download=True, transform=transform), batch_size=args.batch_size, shuffle=True
)
test_loader = DataLoader(
    datasets.MNIST(args.data, train=False, transform=transform), batch_size=args.test_batch_size, shuffle=False
)


class Digits(nn.Module):
    """Two convolutions and two linear layers; the last two have no activation between them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 40, 5)
        self.drop = nn.Dropout(0.5)
        self.fc1 = nn.Linear(4 * 4 * 40, 100)
        self.fc2 = nn.Linear(100, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities of shape (N, 10) for images of shape (N, 1, 28, 28)."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 4 * 4 * 40)
        x = self.drop(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


model = Digits().to(device)
optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)

for epoch in range(1, args.epochs + 1):
    model.train()
    for step, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"epoch {epoch} step {step}: loss {loss.item():.4f}")

    model.eval()
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            correct += model(data).argmax(dim=1).eq(target).sum().item()
    print(f"epoch {epoch}: accuracy {correct / len(test_loader.dataset):.2%}")

torch.save(model.state_dict(), "digits.pt")
