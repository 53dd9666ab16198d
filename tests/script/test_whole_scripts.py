"""Scripts as people write them, each with everything that must be known of it."""

from __future__ import annotations

from collections.abc import Callable

MNIST = """
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torchvision import datasets, transforms
from torch.optim.lr_scheduler import StepLR


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(1, 32, 3, 1)
        self.fc = nn.Linear(128, 10)

    def forward(self, x):
        return F.log_softmax(self.fc(self.conv(x)), dim=1)


def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print(f"{epoch}: {loss.item()}")


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=64, metavar="N")
    parser.add_argument("--test-batch-size", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--log-interval", type=int, default=10)
    args = parser.parse_args()
    torch.manual_seed(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_kwargs = {"batch_size": args.batch_size}
    test_kwargs = {"batch_size": args.test_batch_size}
    if torch.cuda.is_available():
        cuda_kwargs = {"num_workers": 1, "pin_memory": True, "shuffle": True}
        train_kwargs.update(cuda_kwargs)
        test_kwargs.update(cuda_kwargs)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    data = datasets.MNIST("../data", train=True, transform=transform)
    train_loader = torch.utils.data.DataLoader(data, **train_kwargs)
    test_loader = torch.utils.data.DataLoader(datasets.MNIST("../data", train=False), **test_kwargs)
    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        test(model, device, test_loader)
        scheduler.step()


if __name__ == "__main__":
    main()
"""


def test_a_training_script_with_options(source: Callable) -> None:
    read = source(MNIST)
    recipe = read.recipe
    assert [(n.name, n.used_by) for n in read.script.networks] == [("Net", ())]
    assert [(b.callee, b.variable, b.function) for b in read.script.builds if b.owner is None] == [
        ("Net", "model", "main")
    ]
    assert [(h.kind, h.inputs[0].shape) for h in read.script.hints] == [("dataset", (1, 28, 28))] * 2
    assert [(x.name, x.network, x.steps, x.backward) for x in recipe.losses] == [
        ("nll_loss", "model", (), True),
        ("nll_loss", "model", (), False),
    ]
    train, test = recipe.loaders
    assert (train.variable, train.role, read.stated(train.batch_size)) == ("train_loader", "train", (64, "64"))
    assert (test.variable, test.role, read.stated(test.batch_size)) == ("test_loader", "test", (1000, "1000"))
    assert (train.shuffle, train.unread) == (None, ("shuffle", "num_workers", "pin_memory"))
    assert train.dataset and train.dataset.value == "torchvision.datasets.MNIST"
    (optimizer,) = recipe.optimizers
    assert (optimizer.name, optimizer.networks, read.stated(optimizer.arguments["lr"])) == (
        "adadelta",
        ("model",),
        (1.0, "1.0"),
    )
    assert read.stated(recipe.epochs) == (14, "14")
    assert [(call.target, call.function) for call in recipe.trains + recipe.evals] == [
        ("model", "train"),
        ("model", "test"),
    ]
    assert [len(calls) for calls in (recipe.zero_grads, recipe.backwards, recipe.steps, recipe.scheduler_steps)] == [
        1,
        1,
        1,
        1,
    ]
    assert recipe.accumulation is None
    assert {call.target for call in recipe.device_moves} == {"data", "target", "model"}


GAN = """
import argparse
import numpy as np
import torch
import torch.nn as nn
import torchvision.transforms as transforms
from torch.autograd import Variable
from torchvision import datasets

parser = argparse.ArgumentParser()
parser.add_argument("--n_epochs", type=int, default=200, help="number of epochs of training")
parser.add_argument("--batch_size", type=int, default=64)
parser.add_argument("--lr", type=float, default=0.0002)
parser.add_argument("--b1", type=float, default=0.5)
parser.add_argument("--latent_dim", type=int, default=100)
parser.add_argument("--img_size", type=int, default=32)
opt = parser.parse_args()
cuda = True if torch.cuda.is_available() else False


class Generator(nn.Module):
    def __init__(self):
        super().__init__()

        def block(i, o):
            return [nn.Linear(i, o), nn.BatchNorm1d(o, 0.8), nn.LeakyReLU(0.2, inplace=True)]

        self.model = nn.Sequential(*block(opt.latent_dim, 128), nn.Linear(128, 1024), nn.Tanh())

    def forward(self, z):
        return self.model(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(1024, 1), nn.Sigmoid())

    def forward(self, img):
        return self.model(img.view(img.size(0), -1))


adversarial_loss = torch.nn.BCELoss()
generator = Generator()
discriminator = Discriminator()
if cuda:
    generator.cuda()
    discriminator.cuda()
    adversarial_loss.cuda()
dataloader = torch.utils.data.DataLoader(
    datasets.MNIST("data", transform=transforms.Compose([transforms.Resize(opt.img_size), transforms.ToTensor()])),
    batch_size=opt.batch_size,
    shuffle=True,
)
optimizer_G = torch.optim.Adam(generator.parameters(), lr=opt.lr, betas=(opt.b1, 0.999))
optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=opt.lr, betas=(opt.b1, 0.999))
Tensor = torch.cuda.FloatTensor if cuda else torch.FloatTensor
for epoch in range(opt.n_epochs):
    for i, (imgs, _) in enumerate(dataloader):
        valid = Variable(Tensor(imgs.size(0), 1).fill_(1.0), requires_grad=False)
        fake = Variable(Tensor(imgs.size(0), 1).fill_(0.0), requires_grad=False)
        real_imgs = Variable(imgs.type(Tensor))
        optimizer_G.zero_grad()
        z = Variable(Tensor(np.random.normal(0, 1, (imgs.shape[0], opt.latent_dim))))
        gen_imgs = generator(z)
        g_loss = adversarial_loss(discriminator(gen_imgs), valid)
        g_loss.backward()
        optimizer_G.step()
        optimizer_D.zero_grad()
        real_loss = adversarial_loss(discriminator(real_imgs), valid)
        fake_loss = adversarial_loss(discriminator(gen_imgs.detach()), fake)
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        optimizer_D.step()
"""


def test_two_networks_against_each_other(source: Callable) -> None:
    read = source(GAN)
    recipe = read.recipe
    assert [(b.callee, b.variable) for b in read.script.builds if b.owner is None] == [
        ("Generator", "generator"),
        ("Discriminator", "discriminator"),
    ]
    judged = [(x.name, x.network, x.backward, x.targets and x.targets.value) for x in recipe.losses]
    assert judged == [
        ("binary_cross_entropy", "discriminator", True, "valid"),
        ("binary_cross_entropy", "discriminator", True, "valid"),
        ("binary_cross_entropy", "discriminator", True, "fake"),
    ]
    assert {read.text(x.site) for x in recipe.losses} == {"torch.nn.BCELoss()"}
    assert [(o.variable, o.networks) for o in recipe.optimizers] == [
        ("optimizer_G", ("generator",)),
        ("optimizer_D", ("discriminator",)),
    ]
    assert read.stated(recipe.optimizers[0].arguments["betas"]) == ((0.5, 0.999), "(opt.b1, 0.999)")
    (loader,) = recipe.loaders
    assert (loader.role, read.stated(loader.batch_size), read.stated(loader.shuffle)) == (
        "train",
        (64, "64"),
        (True, "True"),
    )
    assert read.stated(recipe.epochs) == (200, "200")
    assert [hint.inputs[0].shape for hint in read.script.hints] == [(1, 32, 32)]
    assert [call.target for call in recipe.zero_grads] == ["optimizer_G", "optimizer_D"]


LIGHTNING = """
import lightning as L
import timm
import torch
from torch import nn, optim
from torch.nn.functional import cross_entropy as ce
from torch.utils.data import DataLoader
from torchvision import transforms as T
from torchvision.datasets import ImageFolder


class LitModel(L.LightningModule):
    def __init__(self, lr=1e-3, num_classes: int = 10):
        super().__init__()
        self.save_hyperparameters()
        self.backbone = timm.create_model("resnet18", num_classes=0)
        self.head = nn.Linear(512, num_classes)
        self.loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.example_input_array = torch.rand(1, 3, 224, 224)

    def forward(self, x):
        return self.head(self.backbone(x))

    def _shared(self, batch, stage):
        x, y = batch
        loss = self.loss_fn(self(x), y)
        self.log(f"{stage}_loss", loss)
        return loss

    def training_step(self, batch, batch_idx):
        return self._shared(batch, "train")

    def validation_step(self, batch, batch_idx):
        x, y = batch
        return {"loss": ce(self.forward(x).softmax(dim=1), y)}

    def configure_optimizers(self):
        opt = optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=0.05)
        return [opt], [optim.lr_scheduler.CosineAnnealingLR(opt, 10)]


class Data(L.LightningDataModule):
    def __init__(self, batch_size: int = 8):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage):
        tf = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor()])
        self.train_set = ImageFolder("x", tf)

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.batch_size, shuffle=True, num_workers=4)

    def val_dataloader(self):
        return DataLoader(self.val_set, self.batch_size)


if __name__ == "__main__":
    L.seed_everything(42)
    model = LitModel(lr=3e-4)
    trainer = L.Trainer(max_epochs=20)
    trainer.fit(model, Data(batch_size=32))
"""


def test_a_lightning_module(source: Callable) -> None:
    read = source(LIGHTNING)
    recipe = read.recipe
    assert [(x.name, x.network, x.backward) for x in recipe.losses] == [
        ("cross_entropy", "self", True),
        ("cross_entropy", "self", False),
    ]
    assert read.text(recipe.losses[0].site) == "nn.CrossEntropyLoss(label_smoothing=0.1)"
    assert [step.name for step in recipe.losses[1].steps] == ["softmax"]
    assert [(loader.role, read.stated(loader.batch_size)) for loader in recipe.loaders] == [
        ("train", (32, "32")),
        ("val", (32, "32")),
    ]
    (optimizer,) = recipe.optimizers
    assert (optimizer.networks, read.stated(optimizer.arguments["lr"])) == (("self",), (3e-4, "3e-4"))
    assert read.stated(recipe.epochs) == (20, "20")
    assert recipe.framework and recipe.framework.value == "lightning"
    assert [(hint.kind, hint.network) for hint in read.script.hints] == [
        ("example-input", "LitModel"),
        ("dataset", None),
        ("transform", None),
    ]


TRAINER = """
from dataclasses import dataclass
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
import torch.backends.cudnn as cudnn

cudnn.benchmark = True
CFG = {"model": {"width": 64}}


@dataclass
class Config:
    lr: float = 3e-4
    batch_size: int = 8
    epochs: int = 3


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, 1)

    def forward(self, x):
        return self.fc(x), x


class Trainer:
    def __init__(self, cfg, model, loader, device="cuda"):
        self.cfg = cfg
        self.model = nn.DataParallel(model.to(device))
        self.loader = loader
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.SGD(self.model.parameters(), cfg.lr, 0.9)
        self.every = 4

    def compute_loss(self, out, y):
        return self.criterion(torch.sigmoid(out.squeeze(1)), y.float())

    def train_epoch(self):
        self.model.train()
        for i, (x, y) in enumerate(self.loader):
            out, aux = self.model(x.cuda())
            loss = self.compute_loss(out, y) / self.every
            loss.backward()
            if (i + 1) % self.every == 0:
                self.optimizer.step()
                self.optimizer.zero_grad()

    def fit(self):
        for epoch in range(self.cfg.epochs):
            self.train_epoch()
            self.evaluate()

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()


def main():
    cfg = Config(lr=0.01)
    data = TensorDataset(torch.randn(1000, 64), torch.randint(0, 2, (1000,)))
    net = Net(CFG["model"]["width"])
    trainer = Trainer(cfg, net, DataLoader(data, batch_size=cfg.batch_size, shuffle=True))
    trainer.fit()


main()
"""


def test_a_trainer_class(source: Callable) -> None:
    read = source(TRAINER)
    recipe = read.recipe
    (loss,) = recipe.losses
    assert (loss.name, loss.network, loss.output, loss.backward) == (
        "binary_cross_entropy_with_logits",
        "net",
        (0,),
        True,
    )
    assert [read.text(step.site) for step in loss.steps] == ["out.squeeze(1)", "torch.sigmoid(out.squeeze(1))"]
    (optimizer,) = recipe.optimizers
    assert (optimizer.variable, optimizer.networks) == ("self.optimizer", ("net",))
    assert {name: read.stated(fact) for name, fact in optimizer.arguments.items()} == {
        "lr": (0.01, "0.01"),
        "momentum": (0.9, "0.9"),
    }
    (loader,) = recipe.loaders
    assert (loader.role, read.stated(loader.batch_size)) == ("train", (8, "8"))
    assert [(call.target, call.function) for call in recipe.trains + recipe.evals] == [
        ("net", "Trainer.train_epoch"),
        ("net", "Trainer.evaluate"),
    ]
    assert read.stated(recipe.epochs) == (3, "3")
    assert recipe.accumulation and recipe.accumulation.value == "(i + 1) % self.every == 0"
    assert recipe.flags["torch.backends.cudnn.benchmark"].value is True
    assert [hint.inputs[0].shape for hint in read.script.hints] == [(64,)]


HUGGING_FACE = """
from accelerate import Accelerator
from datasets import load_dataset
from torch.nn import functional as F
from torch.optim import AdamW
from torch.utils.data import DataLoader
from tqdm.auto import tqdm
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, get_scheduler
import torch

num_epochs = 3
tokenizer = AutoTokenizer.from_pretrained("bert-base-cased")
config = AutoConfig.from_pretrained("bert-base-cased")
model = AutoModelForSequenceClassification.from_config(config)
train_dataloader = DataLoader(load_dataset("x"), shuffle=True, batch_size=8)
eval_dataloader = DataLoader(load_dataset("y"), batch_size=8)
optimizer = AdamW(model.parameters(), lr=5e-5)
accelerator = Accelerator()
train_dataloader, eval_dataloader, model, optimizer = accelerator.prepare(
    train_dataloader, eval_dataloader, model, optimizer
)
lr_scheduler = get_scheduler("linear", optimizer, 0, 100)
model.train()
for epoch in range(num_epochs):
    for batch in tqdm(train_dataloader):
        outputs = model(**batch)
        loss = outputs.loss
        accelerator.backward(loss)
        optimizer.step()
        lr_scheduler.step()
        optimizer.zero_grad()
    model.eval()
    for batch in eval_dataloader:
        with torch.no_grad():
            outputs = model(**batch)
        F.cross_entropy(outputs.logits.view(-1, 2), batch["labels"].view(-1))
"""


def test_a_network_of_a_library_in_a_loop_of_one_s_own(source: Callable) -> None:
    read = source(HUGGING_FACE)
    recipe = read.recipe
    assert [(b.callee, b.variable) for b in read.script.builds] == [
        ("transformers.AutoModelForSequenceClassification.from_config", "model")
    ]
    (loss,) = recipe.losses
    assert (loss.name, loss.network, loss.output, [step.name for step in loss.steps]) == (
        "cross_entropy",
        "model",
        ("logits",),
        ["view"],
    )
    assert [(loader.variable, loader.role) for loader in recipe.loaders] == [
        ("train_dataloader", "train"),
        ("eval_dataloader", "val"),
    ]
    assert recipe.optimizers[0].networks == ("model",)
    assert [call.target for call in recipe.backwards] == ["loss"]
    assert [len(calls) for calls in (recipe.steps, recipe.scheduler_steps, recipe.trains, recipe.evals)] == [1, 1, 1, 1]
    assert read.stated(recipe.epochs) == (3, "3")
    assert recipe.framework and recipe.framework.value == "accelerate"


PHASES = """
import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler
from torchvision import datasets, models, transforms

data_transforms = {
    "train": transforms.Compose([transforms.RandomResizedCrop(224), transforms.ToTensor()]),
    "val": transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()]),
}
image_datasets = {x: datasets.ImageFolder(x, data_transforms[x]) for x in ["train", "val"]}
dataloaders = {
    x: torch.utils.data.DataLoader(image_datasets[x], batch_size=4, shuffle=True) for x in ["train", "val"]
}


def train_model(model, criterion, optimizer, scheduler, num_epochs=25):
    for epoch in range(num_epochs):
        for phase in ["train", "val"]:
            if phase == "train":
                model.train()
            else:
                model.eval()
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
            if phase == "train":
                scheduler.step()
    return model


model_ft = models.resnet18(weights="IMAGENET1K_V1")
model_ft.fc = nn.Linear(model_ft.fc.in_features, 2)
criterion = nn.CrossEntropyLoss()
optimizer_ft = optim.SGD(model_ft.parameters(), lr=0.001, momentum=0.9)
scheduler = lr_scheduler.StepLR(optimizer_ft, step_size=7)
model_ft = train_model(model_ft, criterion, optimizer_ft, scheduler, num_epochs=25)
model_conv = models.resnet18(weights="IMAGENET1K_V1")
model_conv.fc = nn.Linear(512, 2)
optimizer_conv = optim.SGD(model_conv.fc.parameters(), lr=0.001)
model_conv = train_model(model_conv, criterion, optimizer_conv, scheduler)
"""


def test_two_networks_trained_by_one_function(source: Callable) -> None:
    read = source(PHASES)
    recipe = read.recipe
    assert [b.variable for b in read.script.builds] == ["model_ft", "model_conv"]
    assert [(x.name, x.network, x.backward) for x in recipe.losses] == [
        ("cross_entropy", "model_ft", True),
        ("cross_entropy", "model_conv", True),
    ]
    assert [o.networks for o in recipe.optimizers] == [("model_ft",), ("model_conv.fc",)]
    (loader,) = recipe.loaders
    assert (loader.variable, loader.role, read.stated(loader.batch_size)) == ("dataloaders", "train", (4, "4"))
    assert recipe.epochs and recipe.epochs.value == 25
    assert recipe.no_grads[0].arguments["mode"] == "phase == 'train'"
    assert {hint.inputs[0].shape for hint in read.script.hints} == {(3, 224, 224)}


def test_the_same_source_is_read_the_same_way_twice(source: Callable) -> None:
    for text in (MNIST, GAN, LIGHTNING, TRAINER, HUGGING_FACE, PHASES):
        assert source(text).recipe == source(text).recipe
