import os
import shutil
import subprocess
import time

import torch
import torch.nn as nn

run_dir = os.path.join("runs", time.strftime("%Y%m%d-%H%M%S"))
if os.path.exists("runs"):
    shutil.rmtree("runs")
os.makedirs(run_dir)
log = open(os.path.join(run_dir, "log.txt"), "w")
log.write("start\n")
commit = subprocess.check_output(["git", "rev-parse", "HEAD"]).decode().strip()
os.system("nvidia-smi > " + run_dir + "/gpu.txt")


class Net(nn.Module):
    def __init__(self, dump=True):
        super().__init__()
        self.fc1 = nn.Linear(6, 12)
        self.fc2 = nn.Linear(12, 4)
        if dump:
            torch.save(self.state_dict(), os.path.join(run_dir, "init.pth"))

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


model = Net(dump=False)
torch.save(model.state_dict(), os.path.join(run_dir, "model.pth"))
log.close()
