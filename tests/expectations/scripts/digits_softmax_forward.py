from torch import *
from torch.nn import *
import torch
import torch.nn.functional as F
from torchvision import datasets, transforms

trainset = datasets.MNIST('PATH_TO_STORE_TRAINSET', download=True, train=True, transform=transforms.ToTensor())
testset = datasets.MNIST('PATH_TO_STORE_TESTSET', download=True, train=False, transform=transforms.ToTensor())
trainloader = torch.utils.data.DataLoader(trainset, batch_size=64, shuffle=True)
testloader = torch.utils.data.DataLoader(testset, batch_size=64, shuffle=True)


class MyNetwork(Module):
    def __init__(self):
        Module.__init__(self)
        self.input = Linear(28 * 28, 128)
        self.hidden = Linear(128, 64)
        self.out = Linear(64, 10)

    def forward(self, x):
        x = x.view(x.shape[0], -1)
        x = torch.tanh(self.input(x))
        x = torch.tanh(self.hidden(x))
        return F.softmax(self.out(x))


device = torch.device("cuda:0" if cuda.is_available() else "cpu")
network = MyNetwork().to(device)
lossfunction = CrossEntropyLoss()
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)

for e in range(15):
    running_loss = 0
    for images, labels in trainloader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        out = network(images)
        loss = lossfunction(out, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss
    print("Epoch", e, "loss", running_loss / len(trainloader))

with torch.no_grad():
    correct = 0
    for images, labels in testloader:
        guess = network(images.to(device)).argmax(1).cpu()
        correct += (guess == labels).sum().item()
print("accuracy", correct / len(testset))
