# expect: no-epoch-metrics
import torch, torch.nn as nn, torch.nn.functional as F, torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, Dataset
from torchvision import datasets, transforms
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)
    def forward(self, x):
        x = F.relu(self.conv1(x)); x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2); x = self.dropout1(x); x = torch.flatten(x, 1)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)

from transformers import AutoModelForSequenceClassification, get_scheduler
from datasets import load_dataset
model = AutoModelForSequenceClassification.from_pretrained('bert-base-cased', num_labels=5)
raw = load_dataset('yelp_review_full')
train_dataloader = DataLoader(raw['train'].shuffle(seed=42).select(range(1000)), batch_size=8)
eval_dataloader = DataLoader(raw['test'], batch_size=8)
optimizer = optim.AdamW(model.parameters(), lr=5e-5)
num_epochs = 3
model.train()
for epoch in range(num_epochs):
    for batch in train_dataloader:
        outputs = model(**batch)
        loss = outputs.loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
model.eval()
for batch in eval_dataloader:
    with torch.no_grad():
        outputs = model(**batch)
