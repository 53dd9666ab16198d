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

import random
from collections import deque
class Q(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2, self.drop = nn.Linear(4, 128), nn.Linear(128, 2), nn.Dropout(0.1)
    def forward(self, x): return self.l2(self.drop(F.relu(self.l1(x))))
policy_net, target_net = Q(), Q()
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=1e-4)
memory = deque(maxlen=10000)
import gymnasium as gym
env = gym.make('CartPole-v1')
for episode in range(600):
    state, _ = env.reset()
    state = torch.tensor(state).unsqueeze(0)
    done = False
    while not done:
        with torch.no_grad():
            action = policy_net(state).max(1).indices.view(1, 1)
        obs, reward, term, trunc, _ = env.step(action.item())
        done = term or trunc
        memory.append((state, action, reward))
        if len(memory) > 128:
            batch = random.sample(memory, 128)
            s = torch.cat([b[0] for b in batch])
            with torch.no_grad():
                nxt = target_net(s).max(1).values
            loss = F.smooth_l1_loss(policy_net(s).max(1).values, nxt)
            optimizer.zero_grad(); loss.backward(); optimizer.step()
