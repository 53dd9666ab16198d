# -*- coding: utf-8 -*-
import torch
import torch.nn as nn


class 网络(nn.Module):
	"""卷积"""
	def __init__(self):
		super().__init__()
		self.名, self.层 = "été", nn.Conv2d(3, 8, 5, padding=2)  # 五
		self.fc = nn.Linear(8, 2)

	def forward(self, x):
		return self.fc(torch.relu(self.层(x)).mean((2, 3)))


net = 网络()
