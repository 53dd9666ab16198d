import socket
import torch
import torch.nn as nn


class Ranker(nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(18, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid())

    def forward(self, x):
        return self.mlp(x)


net = Ranker().eval()
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("0.0.0.0", 8765))
server.listen()

while True:
    conn, _ = server.accept()
    values = [float(v) for v in conn.recv(4096).decode().split(",")]
    with torch.no_grad():
        conn.sendall(str(net(torch.tensor([values])).item()).encode())
    conn.close()
