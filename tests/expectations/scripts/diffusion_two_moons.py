import copy
import math
import torch as th
import torch.nn as nn

N_STEPS = 200
beta = th.linspace(1e-4, 0.02, N_STEPS)
alpha = 1 - beta
alpha_bar = th.cumprod(alpha, 0)


def timestep_embedding(t, dim):
    half = dim // 2
    freqs = th.exp(-math.log(10000) * th.arange(half, device=t.device) / half)
    args = t[:, None].float() * freqs[None]
    return th.cat([th.cos(args), th.sin(args)], dim=-1)


class Denoiser(nn.Module):
    def __init__(self, dim=2, hidden=128, time_dim=64):
        super().__init__()
        self.time_dim = time_dim
        self.time_mlp = nn.Sequential(nn.Linear(time_dim, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.inp = nn.Linear(dim, hidden)
        self.blocks = nn.ModuleList([
            nn.Sequential(nn.LayerNorm(hidden), nn.SiLU(), nn.Linear(hidden, hidden)) for _ in range(3)
        ])
        self.out = nn.Sequential(nn.LayerNorm(hidden), nn.SiLU(), nn.Linear(hidden, dim))

    def forward(self, x, t):
        emb = self.time_mlp(timestep_embedding(t, self.time_dim))
        h = self.inp(x)
        for block in self.blocks:
            h = h + block(h + emb)
        return self.out(h)


def q_sample(x0, t, noise):
    ab = alpha_bar.to(x0.device)[t][:, None]
    return ab.sqrt() * x0 + (1 - ab).sqrt() * noise


@th.no_grad()
def sample(model, n, device):
    x = th.randn(n, 2, device=device)
    for i in reversed(range(N_STEPS)):
        t = th.full((n,), i, device=device, dtype=th.long)
        eps = model(x, t)
        a, ab, b = alpha[i], alpha_bar[i], beta[i]
        x = (x - b / (1 - ab).sqrt() * eps) / a.sqrt()
        if i > 0:
            x = x + b.sqrt() * th.randn_like(x)
    return x


def two_moons(n):
    angle = math.pi * th.rand(n)
    upper = th.rand(n) < 0.5
    x = th.where(upper, th.cos(angle), 1 - th.cos(angle))
    y = th.where(upper, th.sin(angle), 0.5 - th.sin(angle))
    return th.stack([x, y], 1) + 0.05 * th.randn(n, 2)


if __name__ == "__main__":
    device = "cuda" if th.cuda.is_available() else "cpu"
    model = Denoiser().to(device)
    ema = copy.deepcopy(model).eval().requires_grad_(False)
    opt = th.optim.AdamW(model.parameters(), lr=2e-4)
    for step in range(20_000):
        x0 = two_moons(256).to(device)
        t = th.randint(0, N_STEPS, (x0.shape[0],), device=device)
        noise = th.randn_like(x0)
        loss = (model(q_sample(x0, t, noise), t) - noise).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        with th.no_grad():
            for p, q in zip(ema.parameters(), model.parameters()):
                p.lerp_(q, 0.001)
        if step % 1000 == 0:
            print(step, loss.item())
    print(sample(ema, 16, device))
