import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from tqdm import tqdm

T = 300
betas = torch.linspace(1e-4, 0.02, T)
alphas_cumprod = torch.cumprod(1. - betas, axis=0)


class SinusoidalPositionEmbeddings(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, time):
        half_dim = self.dim // 2
        embeddings = math.log(10000) / (half_dim - 1)
        embeddings = torch.exp(torch.arange(half_dim, device=time.device) * -embeddings)
        embeddings = time[:, None] * embeddings[None, :]
        return torch.cat((embeddings.sin(), embeddings.cos()), dim=-1)


class Block(nn.Module):
    def __init__(self, in_ch, out_ch, time_emb_dim, up=False):
        super().__init__()
        self.time_mlp = nn.Linear(time_emb_dim, out_ch)
        if up:
            self.conv1 = nn.Conv2d(2 * in_ch, out_ch, 3, padding=1)
            self.transform = nn.ConvTranspose2d(out_ch, out_ch, 4, 2, 1)
        else:
            self.conv1 = nn.Conv2d(in_ch, out_ch, 3, padding=1)
            self.transform = nn.Conv2d(out_ch, out_ch, 4, 2, 1)
        self.conv2 = nn.Conv2d(out_ch, out_ch, 3, padding=1)
        self.norm1 = nn.GroupNorm(8, out_ch)
        self.norm2 = nn.GroupNorm(8, out_ch)

    def forward(self, x, t):
        h = self.norm1(F.relu(self.conv1(x)))
        time_emb = F.relu(self.time_mlp(t))
        h = h + time_emb[(..., ) + (None, ) * 2]
        h = self.norm2(F.relu(self.conv2(h)))
        return self.transform(h)


class SimpleUnet(nn.Module):
    def __init__(self, image_channels=3, down_channels=(16, 32, 64), time_emb_dim=32):
        super().__init__()
        up_channels = down_channels[::-1]
        self.time_mlp = nn.Sequential(SinusoidalPositionEmbeddings(time_emb_dim), nn.Linear(time_emb_dim, time_emb_dim), nn.ReLU())
        self.conv0 = nn.Conv2d(image_channels, down_channels[0], 3, padding=1)
        self.downs = nn.ModuleList([Block(down_channels[i], down_channels[i + 1], time_emb_dim) for i in range(len(down_channels) - 1)])
        self.ups = nn.ModuleList([Block(up_channels[i], up_channels[i + 1], time_emb_dim, up=True) for i in range(len(up_channels) - 1)])
        self.output = nn.Conv2d(up_channels[-1], image_channels, 1)

    def forward(self, x, timestep):
        t = self.time_mlp(timestep)
        x = self.conv0(x)
        residual_inputs = []
        for down in self.downs:
            x = down(x, t)
            residual_inputs.append(x)
        for up in self.ups:
            x = up(torch.cat((x, residual_inputs.pop()), dim=1), t)
        return self.output(x)


model = SimpleUnet()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)


def get_loss(model, x_0, t):
    noise = torch.randn_like(x_0)
    a = alphas_cumprod[t][:, None, None, None]
    x_noisy = a.sqrt() * x_0 + (1 - a).sqrt() * noise
    noise_pred = model(x_noisy, t)
    return F.l1_loss(noise, noise_pred)


BATCH_SIZE = 128
IMG_SIZE = 64
if __name__ == "__main__":
    for epoch in tqdm(range(100)):
        for x in torch.randn(10, BATCH_SIZE, 3, IMG_SIZE, IMG_SIZE):
            optimizer.zero_grad()
            t = torch.randint(0, T, (BATCH_SIZE,))
            loss = get_loss(model, x, t)
            loss.backward()
            optimizer.step()
