# expect: 
import torch, torch.nn as nn, torch.nn.functional as F, torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, Dataset
from torchvision import datasets, transforms
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)
    def forward(self, x):
        x = F.relu(self.conv1(x)); x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2); x = self.dropout1(x); x = torch.flatten(x, 1)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)

from sklearn.model_selection import KFold
from torch.utils.data import SubsetRandomSampler
dataset = datasets.MNIST('data', transform=transforms.ToTensor())
for fold, (train_ids, test_ids) in enumerate(KFold(5, shuffle=True).split(dataset)):
    trainloader = DataLoader(dataset, batch_size=64, sampler=SubsetRandomSampler(train_ids))
    testloader = DataLoader(dataset, batch_size=64, sampler=SubsetRandomSampler(test_ids))
    network = Net(); opt = optim.Adam(network.parameters())
    for epoch in range(0, 10):
        network.train()
        for x, y in trainloader:
            opt.zero_grad(); loss = F.nll_loss(network(x), y); loss.backward(); opt.step()
        print(epoch, loss.item())
    network.eval()
    with torch.no_grad():
        print(fold, sum((network(x).argmax(1) == y).sum().item() for x, y in testloader))
