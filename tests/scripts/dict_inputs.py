import torch
import torch.nn as nn


class TabularNet(nn.Module):
    def __init__(self, cardinalities, n_continuous, n_out):
        super().__init__()
        self.embeds = nn.ModuleDict({k: nn.Embedding(v, 6) for k, v in cardinalities.items()})
        n = 6 * len(cardinalities) + n_continuous
        self.layers = nn.Sequential(nn.Linear(n, 50), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.BatchNorm1d(50), nn.Linear(50, n_out))

    def forward(self, batch):
        cats = [embed(batch[k]) for k, embed in self.embeds.items()]
        return {"logits": self.layers(torch.cat(cats + [batch["continuous"]], dim=1))}


model = TabularNet({"city": 30, "day": 7}, n_continuous=5, n_out=2)
batch = {"city": torch.randint(0, 30, (16,)), "day": torch.randint(0, 7, (16,)), "continuous": torch.randn(16, 5)}
print(model(batch)["logits"].shape)
