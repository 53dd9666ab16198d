import torch
import torch.nn as nn

device = 'cuda'
torch.cuda.set_device(0)
torch.set_default_dtype(torch.float32)


class SequenceTagger(nn.Module):
    def __init__(self, n_features=9, hidden=32, tags=6):
        super().__init__()
        self.hidden = hidden
        self.lstm = nn.LSTM(n_features, hidden, num_layers=2, batch_first=True).cuda()
        self.tag = nn.Linear(hidden, tags).cuda()
        self.scale = torch.ones(tags).cuda()

    def forward(self, x):
        h0 = torch.zeros(2, x.size(0), self.hidden).cuda()
        c0 = torch.zeros(2, x.size(0), self.hidden, device='cuda')
        out, _ = self.lstm(x.cuda(), (h0, c0))
        return self.tag(out) * self.scale


model = SequenceTagger().cuda()
x = torch.randn(4, 25, 9).cuda()
print(torch.cuda.memory_allocated())
y = model(x)
