import numpy as np
import gymnasium as gym
import torch
import torch.nn as nn
import torch.optim as optim
from dataclasses import dataclass
from torch.distributions.normal import Normal


@dataclass
class Args:
    total_timesteps: int = 1_000_000
    learning_rate: float = 3e-4
    num_steps: int = 2048
    gamma: float = 0.99
    gae_lambda: float = 0.95
    num_minibatches: int = 32
    update_epochs: int = 10
    clip_coef: float = 0.2
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


def layer_init(layer, std=np.sqrt(2), bias_const=0.0):
    torch.nn.init.orthogonal_(layer.weight, std)
    torch.nn.init.constant_(layer.bias, bias_const)
    return layer


class Agent(nn.Module):
    def __init__(self, obs_dim=11, act_dim=3):
        super().__init__()
        self.critic = nn.Sequential(
            layer_init(nn.Linear(obs_dim, 64)), nn.Tanh(),
            layer_init(nn.Linear(64, 64)), nn.Tanh(),
            layer_init(nn.Linear(64, 1), std=1.0),
        )
        self.actor_mean = nn.Sequential(
            layer_init(nn.Linear(obs_dim, 64)), nn.Tanh(),
            layer_init(nn.Linear(64, 64)), nn.Tanh(),
            layer_init(nn.Linear(64, act_dim), std=0.01),
        )
        self.actor_logstd = nn.Parameter(torch.zeros(1, act_dim))

    def get_value(self, x):
        return self.critic(x)

    def get_action_and_value(self, x, action=None):
        mean = self.actor_mean(x)
        probs = Normal(mean, torch.exp(self.actor_logstd.expand_as(mean)))
        if action is None:
            action = probs.sample()
        return action, probs.log_prob(action).sum(1), probs.entropy().sum(1), self.critic(x)


def main(args=Args()):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    env = gym.make("Hopper-v4")
    agent = Agent().to(device)
    optimizer = optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)
    num_updates = args.total_timesteps // args.num_steps
    next_obs = torch.tensor(env.reset()[0], dtype=torch.float32, device=device)
    for update in range(num_updates):
        optimizer.param_groups[0]["lr"] = (1 - update / num_updates) * args.learning_rate
        obs, actions, logprobs, rewards, dones, values = [], [], [], [], [], []
        for _ in range(args.num_steps):
            with torch.no_grad():
                action, logprob, _, value = agent.get_action_and_value(next_obs[None])
            o, r, term, trunc, _ = env.step(action[0].cpu().numpy())
            for store, v in zip((obs, actions, logprobs, values), (next_obs, action[0], logprob[0], value[0, 0])):
                store.append(v)
            rewards.append(r)
            dones.append(term or trunc)
            next_obs = torch.tensor(env.reset()[0] if dones[-1] else o, dtype=torch.float32, device=device)
        b_obs, b_act, b_logp, b_val = (torch.stack(s) for s in (obs, actions, logprobs, values))
        with torch.no_grad():
            adv, last, nxt = torch.zeros(args.num_steps, device=device), 0.0, agent.get_value(next_obs[None])[0, 0]
            for t in reversed(range(args.num_steps)):
                alive = 1.0 - float(dones[t])
                delta = rewards[t] + args.gamma * nxt * alive - b_val[t]
                adv[t] = last = delta + args.gamma * args.gae_lambda * alive * last
                nxt = b_val[t]
            returns = adv + b_val
        for epoch in range(args.update_epochs):
            for mb in torch.randperm(args.num_steps).split(args.num_steps // args.num_minibatches):
                _, newlogp, entropy, newval = agent.get_action_and_value(b_obs[mb], b_act[mb])
                ratio = (newlogp - b_logp[mb]).exp()
                a = (adv[mb] - adv[mb].mean()) / (adv[mb].std() + 1e-8)
                pg_loss = torch.max(-a * ratio, -a * ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)).mean()
                v_loss = 0.5 * ((newval.view(-1) - returns[mb]) ** 2).mean()
                loss = pg_loss + args.vf_coef * v_loss
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()
        print(update, sum(rewards), v_loss.item())


if __name__ == "__main__":
    main()
