import torch
import torch.nn.functional as F
from companygraphs.data import CitationGraph
from companygraphs.layers import SpectralConv


class Net(torch.nn.Module):
    def __init__(self, num_features=1433, num_classes=7):
        super().__init__()
        self.conv1 = SpectralConv(num_features, 16)
        self.conv2 = SpectralConv(16, num_classes)

    def forward(self, data):
        x, edge_index = data.x, data.edge_index
        x = F.relu(self.conv1(x, edge_index))
        x = F.dropout(x, training=self.training)
        return F.log_softmax(self.conv2(x, edge_index), dim=1)


model = Net()
