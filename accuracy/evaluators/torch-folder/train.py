"""Train the network of net.py until --epochs are done; what the images are, and how it is judged, is in task.py.

Each epoch prints a line such as "epoch 3 loss 0.4123 accuracy 86.20 params 18458", with the accuracy of the averaged
weights in per cent. The next start goes on from checkpoint.pt, bit for bit as if it had never stopped. Several
processes of torchrun train one network. "python3 train.py ... --test" judges a trained network on the test set.
"""

import argparse
import ctypes
import importlib.util
import json
import math
import os
import sys

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

import task


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--epochs", required=True, type=int, help="epochs that are trained when this start ends")
    p.add_argument("--total", type=int, help="epochs of the last rung, over which the cosine runs (default: --epochs)")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--device", default="", help="cuda:0, cpu ... (default: the GPU if there is one)")
    p.add_argument("--batch", type=int, default=128, help="images of a step, over all processes")
    p.add_argument("--lr", type=float, default=0.1, help="highest learning rate for 128 images; it goes with --batch")
    p.add_argument("--decay", type=float, default=5e-4, help="weight decay")
    p.add_argument("--ema", type=float, default=0.99, help="share of the averaged weights that a step leaves")
    p.add_argument("--init", help="a .safetensors file of weights to begin with, such as net.safetensors")
    p.add_argument("--test", action="store_true", help="judge on the test set, and train nothing")
    task.options(p)
    a = p.parse_args()
    a.total = a.total or a.epochs
    if a.epochs > a.total:
        p.error(f"--epochs {a.epochs} is more than --total {a.total}, the epochs of the last rung")
    return a


def save_atomically(path, write):
    with open(path + ".part", "wb") as f:
        write(f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(path + ".part", path)


def write_safetensors(state, f):
    """The header's length in 8 bytes, a JSON header, the bytes of all tensors."""
    types = {torch.float32: "F32", torch.int64: "I64"}
    header, blobs, at = {}, [], 0
    for name, t in state.items():
        blobs.append(t.detach().cpu().contiguous().numpy().tobytes())
        end = at + len(blobs[-1])
        header[name] = {"dtype": types[t.dtype], "shape": list(t.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    f.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))


class DilatedOnCPU(nn.Conv2d):
    """A dilated depthwise convolution as a plain one on d x d grids of pixels: on a CPU, some 2 times as fast."""

    def forward(self, x):
        n, c, h, w = x.shape
        d, k = self.dilation[0], self.kernel_size[0]
        x = F.pad(x, (0, -w % d, 0, -h % d)).permute(0, 2, 3, 1)
        rows, cols = x.shape[1] // d, x.shape[2] // d
        x = x.reshape(n, rows, d, cols, d, c).permute(0, 2, 4, 1, 3, 5).reshape(n * d * d, rows, cols, c)
        x = F.conv2d(x.permute(0, 3, 1, 2), self.weight, self.bias, padding=(k - 1) // 2, groups=c).permute(0, 2, 3, 1)
        x = x.reshape(n, d, d, rows, cols, c).permute(0, 3, 1, 4, 2, 5).reshape(n, rows * d, cols * d, c)
        return x.permute(0, 3, 1, 2)[:, :, :h, :w]


def network(device, init):
    """The network of net.py, which is its last class."""
    spec = importlib.util.spec_from_file_location("net", "net.py")
    net = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(net)
    own = [c for c in vars(net).values() if isinstance(c, type) and issubclass(c, nn.Module) and c.__module__ == "net"]
    model = own[-1]().to(device, memory_format=torch.channels_last)
    if init:
        model.load_state_dict(net.load_safetensors(init))
    for m in model.modules() if device.type == "cpu" else ():
        if isinstance(m, nn.Conv2d) and m.dilation[0] > 1 and m.groups == m.in_channels == m.out_channels:
            d, k = m.dilation[0], m.kernel_size[0]
            if (m.dilation, m.kernel_size, m.stride, m.padding) == ((d, d), (k, k), (1, 1), (d * (k - 1) // 2,) * 2):
                m.__class__ = DilatedOnCPU
    return model


@torch.no_grad()
def settle(model, train, device):
    """Batch statistics of the averaged weights themselves: the average of statistics lags behind while weights move."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # the plain mean of the batches
    model.train()
    for i in range(0, min(len(train), 1000), 250):
        model(task.batch(train, slice(i, i + 250), device)[0])


def set_up(a):
    """(device, rank, processes)"""
    gpu = torch.cuda.is_available() and a.device != "cpu"
    torch.set_num_threads(max(1, a.threads))
    if sys.platform == "linux" and not gpu:  # keep freed memory: a tenth of the time of small networks on a CPU
        for option in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            getattr(ctypes.CDLL(None), "mallopt", int)(option, 1 << 30)
    torch.manual_seed(a.seed)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
    processes = int(os.environ.get("WORLD_SIZE", 1))
    if processes > 1:
        dist.init_process_group("nccl" if gpu else "gloo")
    device = a.device or (f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if gpu else "cpu")
    return torch.device(device), int(os.environ.get("RANK", 0)), processes


def main():
    a = arguments()
    device, rank, processes = set_up(a)
    amp = device.type == "cuda"
    model, ema = network(device, a.init), network(device, a.init)
    ema.load_state_dict(model.state_dict())
    averaged = list(zip(ema.parameters(), model.parameters()))
    params = sum(p.numel() for p in model.parameters())
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]  # biases and batch normalisation do not decay
    opt = torch.optim.SGD([{"params": weights, "weight_decay": a.decay}, {"params": others}], a.lr, 0.9, nesterov=True,
                          foreach=True)
    scaler = torch.cuda.amp.GradScaler(enabled=amp)
    history = []
    if os.path.exists("checkpoint.pt"):
        c = torch.load("checkpoint.pt", map_location=device)
        history = c["history"]
        for name, x in (("model", model), ("ema", ema), ("opt", opt), ("scaler", scaler)):
            x.load_state_dict(c[name])
    if a.test:
        print(f"test accuracy {task.judge(ema, task.read_test(a, model), device):.2f}")
        return
    net = nn.parallel.DistributedDataParallel(model) if processes > 1 else model
    train, val = task.read(a, model)
    part = a.batch // processes
    steps = max(1, len(train) // a.batch)
    for line in history if rank == 0 else ():
        print(line, flush=True)

    for epoch in range(len(history) + 1, a.epochs + 1):
        rng = torch.Generator().manual_seed(a.seed << 20 | epoch)
        torch.manual_seed(a.seed << 20 | epoch)
        order = torch.randperm(len(train), generator=rng).numpy()
        if rank:
            rng.manual_seed(rank << 40 | a.seed << 20 | epoch)
        total = torch.zeros((), device=device)
        net.train()
        for step in range(steps):
            done = (epoch - 1) * steps + step
            warm = min(1, (done + 1) / min(steps, 100))
            for group in opt.param_groups:
                group["lr"] = a.lr * a.batch / 128 * warm * (1 + math.cos(math.pi * done / (a.total * steps))) / 2
            first = step * a.batch + rank * part
            x, y = task.batch(train, order[first:first + part], device, a, rng)
            with torch.autocast("cuda", enabled=amp):
                loss = task.loss(net(x), y, a)
            opt.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.step(opt)
            scaler.update()
            total += loss.detach()
            keep = min(a.ema, (1 + done) / (10 + done))
            with torch.no_grad():
                for e, v in averaged:
                    e.lerp_(v, 1 - keep)
        if rank == 0:
            settle(ema, train, device)
            accuracy = task.judge(ema, val, device)
            history.append(f"epoch {epoch} loss {total.item() / steps:.4f} accuracy {accuracy:.2f} params {params}")
            print(history[-1], flush=True)
            state = {"model": model.state_dict(), "ema": ema.state_dict(), "opt": opt.state_dict(),
                     "scaler": scaler.state_dict(), "history": history}
            save_atomically("checkpoint.pt", lambda f: torch.save(state, f))
    if rank == 0:
        save_atomically("weights.safetensors", lambda f: write_safetensors(ema.state_dict(), f))


if __name__ == "__main__":
    main()
