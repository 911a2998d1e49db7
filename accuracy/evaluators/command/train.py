"""Train the network of net.py on MNIST or Fashion-MNIST: python3 train.py DATA EPOCHS SEED."""

import gzip
import sys

import numpy as np
import torch
import torch.nn.functional as F

import net

data, epochs, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(seed)
model = [c for c in vars(net).values() if isinstance(c, type)][-1]()  # the network is the last class of net.py

images = np.frombuffer(gzip.open(f"{data}/train-images-idx3-ubyte.gz").read(), np.uint8, offset=16)
labels = np.frombuffer(gzip.open(f"{data}/train-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)
x = torch.from_numpy(images.reshape(-1, 1, 28, 28) / np.float32(64) - 2)
y = torch.from_numpy(labels.astype(np.int64))

opt = torch.optim.Adam(model.parameters(), 2e-3)
for epoch in range(epochs):
    model.train()
    for rows in torch.randperm(55000)[:6400].split(64):  # images from 55,000 on are for validation
        opt.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        opt.step()
model.eval()
with torch.no_grad():
    right = sum((model(x[i:i + 500]).argmax(1) == y[i:i + 500]).sum().item() for i in range(55000, 60000, 500))
print("accuracy", right / 50)
