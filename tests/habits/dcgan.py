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

class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.ConvTranspose2d(100, 64, 7, 1, 0, bias=False), nn.BatchNorm2d(64), nn.ReLU(True), nn.ConvTranspose2d(64, 1, 4, 4, 0, bias=False), nn.Tanh())
    def forward(self, x): return self.main(x)
class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2, True), nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2, True), nn.Flatten(), nn.Linear(128*49, 1))
    def forward(self, x): return self.main(x).view(-1)
dataset = datasets.MNIST('data', transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]))
dataloader = DataLoader(dataset, batch_size=128, shuffle=True)
netG, netD = G(), D()
optD = optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
optG = optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
fixed_noise = torch.randn(64, 100, 1, 1)
img_list, G_losses = [], []
for epoch in range(5):
    for i, (real, _) in enumerate(dataloader):
        netD.zero_grad()
        lossD = F.binary_cross_entropy_with_logits(netD(real), torch.ones(real.size(0)))
        lossD.backward()
        fake = netG(torch.randn(real.size(0), 100, 1, 1))
        lf = F.binary_cross_entropy_with_logits(netD(fake.detach()), torch.zeros(real.size(0)))
        lf.backward(); optD.step()
        netG.zero_grad()
        lg = F.binary_cross_entropy_with_logits(netD(fake), torch.ones(real.size(0)))
        lg.backward(); optG.step()
        G_losses.append(lg.item())
        if i % 500 == 0:
            with torch.no_grad():
                img_list.append(netG(fixed_noise).detach().cpu())
