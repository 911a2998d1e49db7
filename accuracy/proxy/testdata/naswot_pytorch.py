"""NASWOT in PyTorch, to compare the time of this program's with.

    python3 naswot_pytorch.py --batch 64 --resolution 64 --runs 9

scores MobileNetV2 with random weights as Mellor et al. (ICML 2021) do: one pass
of a random batch in training mode without gradients, one thread, the signs of all
ReLU6 layers, K = X X^T + (1-X)(1-X)^T summed over layers, log|det K|. It prints
the median time of one score in milliseconds. The convolutions are PyTorch's own;
--codes plain takes K as the published code does, in float; --codes none times the
forward pass alone, a bound on how fast any NASWOT in PyTorch may be.
"""

import argparse
import statistics
import time

import torch
from torch import nn


def conv(i, o, k=1, stride=1, groups=1, act=True):
    layers = [nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([nn.ReLU6(inplace=False)] if act else []))


class Block(nn.Module):
    def __init__(self, i, o, stride, expand):
        super().__init__()
        h = i * expand
        layers = [conv(i, h)] if expand > 1 else []
        self.body = nn.Sequential(*layers, conv(h, h, 3, stride, h), conv(h, o, act=False))
        self.residual = stride == 1 and i == o

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def mobilenet_v2():
    layers, i = [conv(3, 32, 3, 2)], 32
    for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for j in range(n):
            layers.append(Block(i, c, s if j == 0 else 1, t))
            i = c
    layers.append(conv(i, 1280))
    return nn.Sequential(*layers)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--resolution", type=int, default=64)
    p.add_argument("--runs", type=int, default=9)
    p.add_argument("--codes", choices=["plain", "none"], default="plain")
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = mobilenet_v2().train()
    k = torch.zeros(a.batch, a.batch)

    def tap(module, inputs, output):
        x = (inputs[0].reshape(a.batch, -1) > 0).float()
        k.add_(x @ x.t() + (1 - x) @ (1 - x).t())

    if a.codes == "plain":
        for m in net.modules():
            if isinstance(m, nn.ReLU6):
                m.register_forward_hook(tap)
    times = []
    with torch.no_grad():
        for _ in range(a.runs + 1):
            x = torch.randn(a.batch, 3, a.resolution, a.resolution)
            k.zero_()
            start = time.perf_counter()
            net(x)
            if a.codes == "plain":
                torch.linalg.slogdet(k)
            times.append(1e3 * (time.perf_counter() - start))
    print(f"torch {torch.__version__} {a.codes}: median {statistics.median(times[1:]):.1f} ms, least {min(times[1:]):.1f} ms")


main()
