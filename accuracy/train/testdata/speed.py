"""Training samples a second of PyTorch on this machine: python3 speed.py ./nas ARCH [threads [batch]]

ARCH is any network of nas. Each mode trains for half a minute; the best is the yardstick of BenchmarkStep.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

import record


def rate(model, layout, batch, shape):
    model = model.to(memory_format=layout)
    opt = torch.optim.SGD(model.parameters(), 0.05, 0.9, nesterov=True, weight_decay=5e-4, foreach=True)
    x = torch.randn(batch, shape[2], shape[0], shape[1]).to(memory_format=layout)
    y = torch.randint(10, (batch,))
    times = []
    end = time.monotonic() + 30
    while len(times) < 5 or time.monotonic() < end:
        begin = time.perf_counter()
        loss = F.cross_entropy(model(x), y)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        times.append(time.perf_counter() - begin)
    times.sort()
    return batch / times[len(times) // 2]


def main():
    nas, arch = sys.argv[1:3]
    threads, batch = (int(v) for v in (sys.argv[3:] + ["2", "128"][len(sys.argv) - 3:]))
    shape = [int(v) for v in arch.split(" ")[0].split("x")]
    torch.set_num_threads(threads)
    for mkldnn in True, False:
        for layout in torch.contiguous_format, torch.channels_last:
            with torch.backends.mkldnn.flags(enabled=mkldnn):
                model = record.network(nas, {"arch": arch, "seed": 1})
                print(f"mkldnn {mkldnn}, {layout}: {rate(model, layout, batch, shape):.0f} samples/s", flush=True)


if __name__ == "__main__":
    main()
