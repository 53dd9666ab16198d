"""torchrun --nproc_per_node=4 ddp_torchrun.py"""
import os
from contextlib import nullcontext

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, DistributedSampler
from torchvision import datasets, transforms

CONFIG = {
    "epochs": 90,
    "batch_size": 64,
    "accum_steps": 4,
    "lr": 0.1,
    "weight_decay": 1e-4,
    "workers": 8,
}


def make_model(num_classes: int) -> nn.Module:
    def stage(cin, cout):
        return [nn.Conv2d(cin, cout, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True)]

    widths = [3, 32, 64, 128, 256, 512]
    body = [layer for a, b in zip(widths[:-1], widths[1:]) for layer in stage(a, b)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(512, num_classes))


def train_one_epoch(model, loader, optimizer, criterion, epoch, rank):
    model.train()
    loader.sampler.set_epoch(epoch)
    optimizer.zero_grad(set_to_none=True)
    running = 0.0
    for i, (images, labels) in enumerate(loader):
        images = images.cuda(rank, non_blocking=True)
        labels = labels.cuda(rank, non_blocking=True)
        last = (i + 1) % CONFIG["accum_steps"] == 0
        with nullcontext() if last else model.no_sync():
            loss = criterion(model(images), labels) / CONFIG["accum_steps"]
            loss.backward()
        if last:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        running += loss.item()
    return running / len(loader)


@torch.no_grad()
def validate(model, loader, rank):
    model.eval()
    stats = torch.zeros(2, device=rank)
    for images, labels in loader:
        pred = model(images.cuda(rank)).argmax(1).cpu()
        stats += torch.tensor([(pred == labels).sum().item(), len(labels)], device=rank)
    dist.all_reduce(stats)
    return (stats[0] / stats[1]).item()


def main():
    dist.init_process_group("nccl")
    rank = int(os.environ["LOCAL_RANK"])
    torch.cuda.set_device(rank)
    torch.backends.cudnn.benchmark = True

    norm = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    train_set = datasets.ImageFolder("imagenet/train", transforms.Compose(
        [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(), norm]))
    val_set = datasets.ImageFolder("imagenet/val", transforms.Compose(
        [transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(), norm]))
    train_loader = DataLoader(train_set, batch_size=CONFIG["batch_size"], sampler=DistributedSampler(train_set),
                              num_workers=CONFIG["workers"], pin_memory=True, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=256, sampler=DistributedSampler(val_set, shuffle=False),
                            num_workers=CONFIG["workers"])

    model = nn.SyncBatchNorm.convert_sync_batchnorm(make_model(1000)).cuda(rank)
    model = DDP(model, device_ids=[rank])
    criterion = nn.CrossEntropyLoss().cuda(rank)
    optimizer = torch.optim.SGD(model.parameters(), CONFIG["lr"], momentum=0.9, weight_decay=CONFIG["weight_decay"])
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, CONFIG["epochs"])
    for epoch in range(CONFIG["epochs"]):
        loss = train_one_epoch(model, train_loader, optimizer, criterion, epoch, rank)
        acc = validate(model, val_loader, rank)
        scheduler.step()
        if rank == 0:
            print(f"epoch {epoch}: loss {loss:.3f}, top-1 {acc:.4f}")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
