"""Train the network of net.py on a folder of images or on IDX files until --epochs are done.

Each epoch prints a line such as

    epoch 3 loss 0.4123 accuracy 86.20 params 18458

where accuracy is in per cent, on images that are neither trained on nor the test set. The next start goes on from
checkpoint.pt, bit for bit as if it had never stopped. --data is a folder of one of these forms:

    DIR/CLASS/*.png (also .jpg, .jpeg); a part of the images is held out for validation
    DIR/train/CLASS/*.png, and DIR/val/CLASS/*.png if there is a validation set of your own
    DIR/train-images-idx3-ubyte and DIR/train-labels-idx1-ubyte, or the same with .gz (MNIST, Fashion-MNIST)

Images are resized once, into one file that all trainings share (--cache). nas calls this program once for each rung.
"""

import argparse
import ctypes
import gzip
import hashlib
import importlib.util
import json
import math
import os
import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", required=True, type=pathlib.Path)
    p.add_argument("--epochs", required=True, type=int, help="epochs that are trained when this start ends")
    p.add_argument("--total", type=int, help="epochs of the last rung, over which the cosine runs (default: --epochs)")
    p.add_argument("--size", required=True, type=int, help="height and width of the input, in pixels")
    p.add_argument("--classes", type=int, help="what the data must have, if given")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--device", default="", help="cuda:0, cpu ... (default: the GPU if there is one)")
    p.add_argument("--subset", type=int, help="train on this many images only")
    p.add_argument("--val", type=int, default=5000, help="images held out, at most a fifth of all")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--lr", type=float, default=0.1, help="of a batch of 128; scaled with --batch")
    p.add_argument("--decay", type=float, default=5e-4)
    p.add_argument("--smoothing", type=float, default=0.1)
    p.add_argument("--ema", type=float, default=0.99, help="decay a step of the averaged weights, which are judged")
    p.add_argument("--shift", type=int, default=2, help="augmentation: up to this many pixels in each direction")
    p.add_argument("--flip", action="store_true", help="augmentation: left and right; not for digits and text")
    p.add_argument("--cache", type=pathlib.Path, help="folder of the resized images (default: --data)")
    a = p.parse_args()
    a.total = a.total or a.epochs
    if a.epochs > a.total:
        p.error(f"--epochs {a.epochs} is more than --total {a.total}, the epochs of the last rung")
    return a


def read_idx(path):
    """An array of an IDX file, with or without .gz."""
    file = next((f for f in (path, path.with_name(path.name + ".gz")) if f.exists()), None)
    if file is None:
        sys.exit(f"{path}: no such file, nor {path.name}.gz")
    raw = (gzip.open if file.suffix == ".gz" else open)(file, "rb").read()
    shape = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def read_folder(folder, size, channels, cache):
    """Images (N x channels x size x size) and labels of a folder of class folders, decoded once for all trainings."""
    from PIL import Image

    names = sorted(d.name for d in folder.iterdir() if d.is_dir() and not d.name.startswith("."))
    files = [(f, k) for k, n in enumerate(names) for f in sorted((folder / n).rglob("*"))
             if f.suffix.lower() in (".png", ".jpg", ".jpeg")]
    if not files:
        sys.exit(f"{folder}: no .png or .jpg in folders of classes")
    key = hashlib.sha256(repr([(str(f), f.stat().st_size) for f, _ in files]).encode()).hexdigest()[:12]
    path = cache / f".nas-{folder.name}-{size}-{channels}-{key}.npy"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}.part")
        out = np.lib.format.open_memmap(part, "w+", np.uint8, (len(files), channels, size, size))

        def decode(i):
            with Image.open(files[i][0]) as im:
                side = min(im.size)
                left, top = (im.width - side) // 2, (im.height - side) // 2
                im = im.convert("L" if channels == 1 else "RGB")
                im = im.resize((size, size), Image.BILINEAR, (left, top, left + side, top + side))
                out[i] = np.asarray(im).reshape(size, size, channels).transpose(2, 0, 1)

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(decode, range(len(files))))
        out.flush()
        os.replace(part, path)
    return np.load(path, mmap_mode="r"), np.array([k for _, k in files]), len(names)


def read_data(a, channels):
    """(images, labels) to train on, the same to validate on. What is held out depends on nothing but the data."""
    if (a.data / "train-images-idx3-ubyte").exists() or (a.data / "train-images-idx3-ubyte.gz").exists():
        x, y = read_idx(a.data / "train-images-idx3-ubyte")[:, None], read_idx(a.data / "train-labels-idx1-ubyte")
        classes = int(y.max()) + 1
        grow = a.size - x.shape[2]
        if grow < 0 or channels != 1:
            sys.exit(f"{a.data} has images of 1 channel and {x.shape[2]} pixels: use input = [{x.shape[2]}, {x.shape[2]}, 1]")
        x = np.pad(x, ((0, 0), (0, 0), (grow // 2, grow - grow // 2), (grow // 2, grow - grow // 2)))
    else:
        root = a.data / "train" if (a.data / "train").is_dir() else a.data
        x, y, classes = read_folder(root, a.size, channels, a.cache or a.data)
    if a.classes and a.classes != classes:
        sys.exit(f"{a.data} has {classes} classes, the network {a.classes}: set classes = {classes}")
    order = np.random.RandomState(0).permutation(len(x))
    if (a.data / "val").is_dir():
        vx, vy, _ = read_folder(a.data / "val", a.size, channels, a.cache or a.data)
        held = np.random.RandomState(0).permutation(len(vx))[:a.val]
    else:
        vx, vy, n = x, y, min(a.val, len(x) // 5)
        held, order = order[:n], order[n:]
    return (x, y, order[:a.subset]), (vx, vy, held)


def batch_of(data, index, device):
    x, y, order = data
    rows = order[index]
    return torch.from_numpy(x[rows]).to(device), torch.from_numpy(y[rows].astype(np.int64)).to(device)


def normalise(x):
    """Values of -2 to 2: nas infer takes the same with --mean 0.5 --std 0.25."""
    return x.to(torch.float32, memory_format=torch.channels_last).div_(63.75).sub_(2)


def augment(x, a, rng):
    n, _, h, w = x.shape
    if a.shift:
        dy, dx = torch.randint(2 * a.shift + 1, (2, n, 1), generator=rng).to(x.device)
        rows, cols = dy + torch.arange(h, device=x.device), dx + torch.arange(w, device=x.device)
        image = torch.arange(n, device=x.device)[:, None, None]
        x = F.pad(x, [a.shift] * 4)[image, :, rows[:, :, None], cols[:, None, :]].permute(0, 3, 1, 2)
    if a.flip:
        mirrored = torch.rand(n, generator=rng) < 0.5
        x[mirrored] = x[mirrored].flip(3)
    return x


def save_atomically(path, write):
    part = path + ".part"
    with open(part, "wb") as f:
        write(f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(part, path)


def write_safetensors(state, f):
    """The format: the header's length in 8 bytes, a JSON header, the bytes of all tensors."""
    types = {torch.float32: "F32", torch.int64: "I64"}
    header, blobs, at = {}, [], 0
    for name, t in state.items():
        blob = t.detach().cpu().contiguous().numpy().tobytes()
        header[name] = {"dtype": types[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    f.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def network():
    """The network of net.py: its last class, or the function that it ends with."""
    spec = importlib.util.spec_from_file_location("net", "net.py")
    net = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(net)
    own = [c for c in vars(net).values() if isinstance(c, type) and issubclass(c, nn.Module) and c.__module__ == "net"]
    return own[-1]()


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


@torch.no_grad()
def judge(model, data, device, batch=500):
    model.eval()
    right = 0
    for i in range(0, len(data[2]), batch):
        x, y = batch_of(data, slice(i, i + batch), device)
        right += (model(normalise(x)).argmax(1) == y).sum().item()
    return 100 * right / len(data[2])


def main():
    a, gpu = arguments(), torch.cuda.is_available()
    torch.set_num_threads(max(1, a.threads))
    if sys.platform == "linux" and not gpu:  # keep freed memory: a tenth of the time of small networks on a CPU
        for option in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            getattr(ctypes.CDLL(None), "mallopt", int)(option, 1 << 30)
    torch.manual_seed(a.seed)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    device = torch.device(a.device or (f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if gpu else "cpu"))
    amp = device.type == "cuda"

    model, ema = (network().to(device, memory_format=torch.channels_last) for _ in range(2))
    ema.load_state_dict(model.state_dict())
    if device.type == "cpu":
        for m in [*model.modules(), *ema.modules()]:
            if isinstance(m, nn.Conv2d) and m.groups == m.in_channels and m.dilation[0] > 1 and m.stride == (1, 1):
                m.__class__ = DilatedOnCPU
    channels = next(m for m in model.modules() if isinstance(m, nn.Conv2d)).in_channels
    params = sum(p.numel() for p in model.parameters())
    train, val = read_data(a, channels)
    steps = max(1, len(train[2]) // a.batch)
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]  # biases and batch normalisation do not decay
    peak = a.lr * a.batch / 128
    opt = torch.optim.SGD([{"params": weights, "weight_decay": a.decay}, {"params": others}], peak, 0.9, nesterov=True,
                          foreach=True)
    scaler = torch.cuda.amp.GradScaler(enabled=amp)
    history = []
    if os.path.exists("checkpoint.pt"):
        c = torch.load("checkpoint.pt", map_location=device)
        model.load_state_dict(c["model"])
        ema.load_state_dict(c["ema"])
        opt.load_state_dict(c["opt"])
        scaler.load_state_dict(c["scaler"])
        history = c["history"]
    averaged = list(zip(ema.state_dict().values(), model.state_dict().values()))
    net = model
    for line in history:
        print(line, flush=True)

    for epoch in range(len(history) + 1, a.epochs + 1):
        rng = torch.Generator().manual_seed(a.seed << 20 | epoch)
        torch.manual_seed(a.seed << 20 | epoch)
        order = torch.randperm(len(train[2]), generator=rng).numpy()
        total = torch.zeros((), device=device)
        net.train()
        for step in range(steps):
            done = (epoch - 1) * steps + step
            warm = min(1, (done + 1) / min(steps, 100))
            rate = peak * warm * (1 + math.cos(math.pi * done / (a.total * steps))) / 2
            for group in opt.param_groups:
                group["lr"] = rate
            x, y = batch_of(train, order[step * a.batch:(step + 1) * a.batch], device)
            x = normalise(augment(x, a, rng))
            with torch.autocast("cuda", enabled=amp):
                loss = F.cross_entropy(net(x), y, label_smoothing=a.smoothing)
            opt.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.step(opt)
            scaler.update()
            total += loss.detach()
            keep = min(a.ema, (1 + done) / (10 + done))
            with torch.no_grad():
                for e, v in averaged:
                    e.lerp_(v, 1 - keep) if e.is_floating_point() else e.copy_(v)
        line = f"epoch {epoch} loss {total.item() / steps:.4f} accuracy {judge(ema, val, device):.2f} params {params}"
        history.append(line)
        print(line, flush=True)
        state = {"model": model.state_dict(), "ema": ema.state_dict(), "opt": opt.state_dict(),
                 "scaler": scaler.state_dict(), "history": history}
        save_atomically("checkpoint.pt", lambda f: torch.save(state, f))
    save_atomically("weights.safetensors", lambda f: write_safetensors(ema.state_dict(), f))


main()
