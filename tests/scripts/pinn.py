import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)


class PINN(nn.Module):
    def __init__(self, layers=(2, 20, 20, 20, 1)):
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in zip(layers[:-1], layers[1:]))

    def forward(self, x, t):
        h = torch.cat([x, t], dim=1)
        for linear in self.linears[:-1]:
            h = torch.tanh(linear(h))
        return self.linears[-1](h)


def residual(net, x, t, nu=0.01 / torch.pi):
    u = net(x, t)
    ones = torch.ones_like(u)
    u_t = torch.autograd.grad(u, t, ones, create_graph=True)[0]
    u_x = torch.autograd.grad(u, x, ones, create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x, x, ones, create_graph=True)[0]
    return u_t + u * u_x - nu * u_xx


net = PINN()
mse = nn.MSELoss()
optimizer = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=500)
x_f = (torch.rand(1000, 1) * 2 - 1).requires_grad_()
t_f = torch.rand(1000, 1, requires_grad=True)
x_0 = torch.rand(100, 1) * 2 - 1
u_0 = -torch.sin(torch.pi * x_0)


def closure():
    optimizer.zero_grad()
    loss = mse(net(x_0, torch.zeros_like(x_0)), u_0) + residual(net, x_f, t_f).pow(2).mean()
    loss.backward()
    return loss


optimizer.step(closure)
