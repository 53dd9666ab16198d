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

class GPT(nn.Module):
    def __init__(self):
        super().__init__(); self.emb = nn.Embedding(65, 64); self.drop = nn.Dropout(0.1); self.head = nn.Linear(64, 65)
    def forward(self, idx): return self.head(self.drop(self.emb(idx)))
data = torch.randint(0, 65, (100000,)); n = 90000
train_data, val_data = data[:n], data[n:]
def get_batch(split):
    d = train_data if split == 'train' else val_data
    ix = torch.randint(len(d) - 8, (32,))
    return torch.stack([d[i:i+8] for i in ix]), torch.stack([d[i+1:i+9] for i in ix])
model = GPT()
@torch.no_grad()
def estimate_loss():
    out = {}
    model.eval()
    for split in ['train', 'val']:
        losses = torch.zeros(200)
        for k in range(200):
            X, Y = get_batch(split)
            losses[k] = F.cross_entropy(model(X).view(-1, 65), Y.view(-1)).item()
        out[split] = losses.mean()
    model.train()
    return out
optimizer = optim.AdamW(model.parameters(), lr=1e-3)
for iter in range(5000):
    if iter % 500 == 0:
        print(estimate_loss())
    xb, yb = get_batch('train')
    loss = F.cross_entropy(model(xb).view(-1, 65), yb.view(-1))
    optimizer.zero_grad(set_to_none=True); loss.backward(); optimizer.step()
