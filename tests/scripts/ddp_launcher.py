import os
import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, DistributedSampler

local_rank = int(os.environ["LOCAL_RANK"])
torch.cuda.set_device(local_rank)
dist.init_process_group("nccl")
assert torch.cuda.device_count() > local_rank


class Net(nn.Module):
    def __init__(self, dim=40):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(13, dim), nn.ReLU(), nn.Linear(dim, 1))

    def forward(self, x):
        return self.f(x)


def main(dataset):
    sampler = DistributedSampler(dataset)
    loader = DataLoader(dataset, batch_size=48, sampler=sampler, pin_memory=True)
    model = DDP(Net().cuda(local_rank), device_ids=[local_rank])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    criterion = nn.MSELoss()
    for epoch in range(12):
        sampler.set_epoch(epoch)
        for x, y in loader:
            loss = criterion(model(x.cuda(local_rank)), y.cuda(local_rank))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    dist.destroy_process_group()
