import copy
import torch
from torch import nn
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, transforms
from collections import OrderedDict


def backbone():
    layers = OrderedDict()
    channels = [3, 32, 64, 128, 256]
    for i, (a, b) in enumerate(zip(channels, channels[1:])):
        layers[f"conv{i}"] = nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False)
        layers[f"bn{i}"] = nn.BatchNorm2d(b)
        layers[f"relu{i}"] = nn.ReLU(inplace=True)
    layers["gap"] = nn.AdaptiveAvgPool2d(1)
    layers["flat"] = nn.Flatten()
    return nn.Sequential(layers)


class FlowerNet(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.backbone = backbone()
        for param in self.backbone.parameters():
            param.requires_grad = False
        self.head = nn.Sequential(nn.Linear(256, 128), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(128, n_classes))

    def forward(self, x):
        return self.head(self.backbone(x))


class EarlyStopping:
    def __init__(self, patience=5):
        self.patience, self.best, self.bad, self.state = patience, float("inf"), 0, None

    def __call__(self, val_loss, model):
        if val_loss < self.best:
            self.best, self.bad, self.state = val_loss, 0, copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


if __name__ == "__main__":
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = True
    tfm = transforms.Compose([transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(),
                              transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    full = datasets.ImageFolder("flowers/train", tfm)
    n_val = int(0.2 * len(full))
    train_set, val_set = random_split(full, [len(full) - n_val, n_val], generator=torch.Generator().manual_seed(0))
    train_dl = DataLoader(train_set, batch_size=64, shuffle=True, num_workers=4, pin_memory=True)
    val_dl = DataLoader(val_set, batch_size=64, num_workers=4, pin_memory=True)

    model = FlowerNet(n_classes=102)
    model.backbone.load_state_dict(torch.load("backbone.pt"))
    model = model.to(device)
    opt = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3)
    sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=2)
    loss_fn = nn.CrossEntropyLoss()
    stopper = EarlyStopping()

    for epoch in range(50):
        model.train()
        model.backbone.eval()
        for xb, yb in train_dl:
            xb, yb = xb.to(device, non_blocking=True), yb.to(device, non_blocking=True)
            opt.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            opt.step()
        model.eval()
        val_loss, seen = 0.0, 0
        with torch.inference_mode():
            for xb, yb in val_dl:
                val_loss += loss_fn(model(xb.to(device)), yb.to(device)).item() * len(yb)
                seen += len(yb)
        val_loss /= seen
        sched.step(val_loss)
        print(f"epoch {epoch}: val loss {val_loss:.4f}")
        if stopper(val_loss, model):
            break
    model.load_state_dict(stopper.state)
