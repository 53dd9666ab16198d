import torch
import torch.nn as nn
import torch.nn.functional as F
import torchaudio


class M5(nn.Module):
    def __init__(self, n_input=1, n_output=35, stride=16, n_channel=32):
        super().__init__()
        self.conv1 = nn.Conv1d(n_input, n_channel, kernel_size=80, stride=stride)
        self.bn1 = nn.BatchNorm1d(n_channel)
        self.pool1 = nn.MaxPool1d(4)
        self.conv2 = nn.Conv1d(n_channel, n_channel, kernel_size=3)
        self.bn2 = nn.BatchNorm1d(n_channel)
        self.pool2 = nn.MaxPool1d(4)
        self.fc1 = nn.Linear(n_channel, n_output)

    def forward(self, x):
        x = self.pool1(F.relu(self.bn1(self.conv1(x))))
        x = self.pool2(F.relu(self.bn2(self.conv2(x))))
        x = F.avg_pool1d(x, x.shape[-1])
        x = self.fc1(x.permute(0, 2, 1))
        return F.log_softmax(x, dim=2)


train_set = torchaudio.datasets.SPEECHCOMMANDS("./", download=True, subset="training")
waveform, sample_rate, label, *_ = train_set[0]
transform = torchaudio.transforms.Resample(orig_freq=sample_rate, new_freq=8000)
loader = torch.utils.data.DataLoader(train_set, batch_size=256, shuffle=True, collate_fn=lambda b: b)

model = M5(n_input=1, n_output=35)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.0001)
n_epoch = 30

for epoch in range(1, n_epoch + 1):
    model.train()
    for data, target in loader:
        output = model(transform(data))
        loss = F.nll_loss(output.squeeze(), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
