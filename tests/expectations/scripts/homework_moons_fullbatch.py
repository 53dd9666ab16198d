# CS 5640 - Assignment 2
# Q3: classify the two moons with a neural network
import numpy as np
import torch
from torch import nn
from torch import optim

np.random.seed(0)
torch.manual_seed(0)


def make_moons(n):
    t = np.pi * np.random.rand(n)
    y = np.random.randint(0, 2, n)
    x0 = np.where(y == 0, np.cos(t), 1 - np.cos(t))
    x1 = np.where(y == 0, np.sin(t), 0.5 - np.sin(t))
    X = np.stack([x0, x1], axis=1) + 0.1 * np.random.randn(n, 2)
    return X.astype(np.float32), y.astype(np.float32)


X, y = make_moons(5000)
X_train = torch.from_numpy(X)
y_train = torch.from_numpy(y).reshape(-1, 1)

# Q3.1 define the model
model = nn.Sequential(
    nn.Linear(2, 16),
    nn.Sigmoid(),
    nn.Linear(16, 16),
    nn.Sigmoid(),
    nn.Linear(16, 1),
)

# Q3.2 loss and optimizer
loss_fn = nn.BCEWithLogitsLoss()
optimizer = optim.SGD(model.parameters(), lr=0.1)

# Q3.3 training loop
losses = []
for epoch in range(200):
    y_pred = model(X_train)
    loss = loss_fn(y_pred, y_train)
    losses.append(loss.item())
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        acc = ((y_pred > 0).float() == y_train).float().mean().item()
        print(f"epoch {epoch}: loss = {loss.item():.4f}, acc = {acc:.3f}")

# Q3.4 plot
import matplotlib.pyplot as plt

plt.plot(losses)
plt.xlabel("epoch")
plt.ylabel("loss")
plt.savefig("q3.png")
