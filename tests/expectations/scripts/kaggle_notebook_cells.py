# %% [markdown]
# # Cassava leaf disease: baseline

# %%
import os
import cv2
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader
from tqdm.auto import tqdm

# %%
CFG = {
    'img_size': 224,
    'epochs': 20,
    'train_bs': 8,
    'valid_bs': 32,
    'lr': 1e-4,
    'device': 'cuda:0',
}
df = pd.read_csv('../input/cassava-leaf-disease-classification/train.csv')
df.head()

# %%
class CassavaDataset(Dataset):
    def __init__(self, df, data_root):
        super().__init__()
        self.df = df.reset_index(drop=True).copy()
        self.data_root = data_root

    def __len__(self):
        return self.df.shape[0]

    def __getitem__(self, index):
        path = os.path.join(self.data_root, self.df.loc[index]['image_id'])
        img = cv2.imread(path)
        img = cv2.cvtColor(img, cv2.COLOR_BGR2RGB)
        img = cv2.resize(img, (CFG['img_size'], CFG['img_size']))
        img = img.astype(np.float32) / 255.0
        img = (img - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
        return torch.from_numpy(img.transpose(2, 0, 1)).float(), self.df.loc[index]['label']

# %%
class CassavaNet(nn.Module):
    def __init__(self, n_class=5):
        super().__init__()
        chs = [3, 32, 64, 128, 256]
        self.body = nn.Sequential(*[
            nn.Sequential(
                nn.Conv2d(chs[i], chs[i + 1], 3, padding=1, bias=False),
                nn.BatchNorm2d(chs[i + 1]),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ) for i in range(4)
        ])
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, n_class))

    def forward(self, x):
        return self.head(self.body(x))

# %%
def prepare_dataloader(df, trn_idx, val_idx, data_root='../input/train_images/'):
    train_ds = CassavaDataset(df.loc[trn_idx], data_root)
    valid_ds = CassavaDataset(df.loc[val_idx], data_root)
    train_loader = DataLoader(train_ds, batch_size=CFG['train_bs'], shuffle=True)
    val_loader = DataLoader(valid_ds, batch_size=CFG['valid_bs'], shuffle=False)
    return train_loader, val_loader


def train_one_epoch(epoch, model, loss_fn, optimizer, loader, device):
    model.train()
    running_loss = None
    pbar = tqdm(enumerate(loader), total=len(loader))
    for step, (imgs, labels) in pbar:
        imgs = imgs.to(device).float()
        labels = labels.to(device).long()
        preds = model(imgs)
        loss = loss_fn(preds, labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        running_loss = loss.item() if running_loss is None else running_loss * .99 + loss.item() * .01
        pbar.set_description(f'epoch {epoch} loss: {running_loss:.4f}')


def valid_one_epoch(epoch, model, loader, device):
    model.eval()
    hits, n = 0, 0
    with torch.no_grad():
        for imgs, labels in loader:
            hits += (model(imgs.to(device)).argmax(1).cpu() == labels).sum().item()
            n += len(labels)
    print('validation multi-class accuracy = {:.4f}'.format(hits / n))

# %%
perm = np.random.RandomState(719).permutation(len(df))
train_loader, val_loader = prepare_dataloader(df, perm[2000:], perm[:2000])
device = torch.device(CFG['device'])
model = CassavaNet(df.label.nunique()).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=CFG['lr'], weight_decay=1e-6)
loss_tr = nn.CrossEntropyLoss().to(device)
for epoch in range(CFG['epochs']):
    train_one_epoch(epoch, model, loss_tr, optimizer, train_loader, device)
    valid_one_epoch(epoch, model, val_loader, device)
# %%
torch.save(model.state_dict(), 'cassava_baseline.pth')
