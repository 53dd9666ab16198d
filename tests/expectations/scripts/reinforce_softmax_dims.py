import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

GAMMA = 0.99
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Policy(nn.Module):
    def __init__(self, s_size=16, a_size=4, h_size=64):
        super(Policy, self).__init__()
        self.fc1 = nn.Linear(s_size, h_size)
        self.fc2 = nn.Linear(h_size, a_size)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        return F.softmax(self.fc2(x), dim=0)

    def act(self, state):
        probs = self.forward(state.to(device)).cpu()
        m = Categorical(probs)
        action = m.sample()
        return action, m.log_prob(action)


class Value(nn.Module):
    def __init__(self, s_size=16, h_size=64):
        super(Value, self).__init__()
        self.net = nn.Sequential(
            nn.Linear(s_size, h_size),
            nn.ReLU(inplace=True),
            nn.Linear(h_size, 1),
            nn.Softmax(dim=-1),
        )

    def forward(self, x):
        return self.net(x)


def rollout(env, policy, max_t=100):
    states, log_probs, rewards = [], [], []
    state = env.reset()
    for t in range(max_t):
        onehot = torch.eye(16)[state].unsqueeze(0)
        action, log_prob = policy.act(onehot)
        state, reward, done, _ = env.step(action.item())
        states.append(onehot)
        log_probs.append(log_prob)
        rewards.append(reward)
        if done:
            break
    return torch.cat(states), torch.cat(log_probs), rewards


def discount(rewards):
    R, out = 0.0, []
    for r in reversed(rewards):
        R = r + GAMMA * R
        out.insert(0, R)
    return torch.tensor(out, dtype=torch.float32)


def reinforce(env, n_episodes=1000, print_every=100):
    policy, value = Policy().to(device), Value().to(device)
    opt_p = torch.optim.Adam(policy.parameters(), lr=1e-2)
    opt_v = torch.optim.Adam(value.parameters(), lr=1e-3)
    scores = []
    for i_episode in range(1, n_episodes + 1):
        states, log_probs, rewards = rollout(env, policy)
        returns = discount(rewards)
        baseline = value(states.to(device)).squeeze(1).cpu()
        value_loss = F.mse_loss(baseline, returns)
        policy_loss = (-log_probs * (returns - baseline.detach())).sum()
        opt_p.zero_grad()
        opt_v.zero_grad()
        policy_loss.backward()
        value_loss.backward()
        opt_p.step()
        opt_v.step()
        scores.append(sum(rewards))
        if i_episode % print_every == 0:
            print('Episode {}\tAverage Score: {:.2f}'.format(i_episode, np.mean(scores[-100:])))
    return scores


if __name__ == "__main__":
    from gridworld import FrozenLake
    reinforce(FrozenLake())
