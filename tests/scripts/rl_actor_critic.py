import gym
import torch
import torch.nn as nn
import torch.optim as optim
from torch.distributions import Categorical

env = gym.make('CartPole-v1')
env.seed(1)
torch.manual_seed(1)


class Policy(nn.Module):
    def __init__(self, n_obs=4, n_actions=2):
        super().__init__()
        self.affine1 = nn.Linear(n_obs, 128)
        self.action_head = nn.Linear(128, n_actions)
        self.value_head = nn.Linear(128, 1)
        self.saved_actions = []

    def forward(self, x):
        x = torch.relu(self.affine1(x))
        return torch.softmax(self.action_head(x), dim=-1), self.value_head(x)

    def act(self, state):
        probs, value = self(torch.from_numpy(state).float())
        m = Categorical(probs)
        action = m.sample()
        self.saved_actions.append((m.log_prob(action), value))
        return action.item()


model = Policy(env.observation_space.shape[0], env.action_space.n)
optimizer = optim.Adam(model.parameters(), lr=3e-2)

for episode in range(1000):
    state = env.reset()
    for t in range(1, 10000):
        action = model.act(state)
        state, reward, done, _ = env.step(action)
        if done:
            break
