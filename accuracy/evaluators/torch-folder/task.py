"""Classification of images, for train.py. --data is a folder of one of these forms:

    DIR/CLASS/*.png (also .jpg, .jpeg); a part of the images is held out for validation
    DIR/train/CLASS/*.png, with DIR/val/CLASS/*.png if you have a validation set, and DIR/test/CLASS/*.png for --test
    DIR/train-images-idx3-ubyte and DIR/train-labels-idx1-ubyte, also with .gz (MNIST, Fashion-MNIST); t10k-* for --test

The test set is never read in training. Files of images are decoded once, for all trainings, into --cache.
"""

import gzip
import hashlib
import os
import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def options(p):
    p.add_argument("--data", required=True, type=pathlib.Path)
    p.add_argument("--size", required=True, type=int, help="height and width of the input, in pixels")
    p.add_argument("--classes", type=int, help="classes of the network, to be compared with those of the data")
    p.add_argument("--subset", type=int, help="train on this many images only")
    p.add_argument("--val", type=int, default=5000, help="validation images, a fifth of all at most")
    p.add_argument("--smoothing", type=float, default=0.1, help="of the labels")
    p.add_argument("--shift", type=int, default=2, help="augmentation: up to this many pixels in each direction")
    p.add_argument("--flip", action="store_true", help="augmentation: left and right; not for digits and text")
    p.add_argument("--cache", type=pathlib.Path, default=pathlib.Path.home() / ".cache" / "nas" / "images")


class Images:
    """Images x (N x C x H x W, 0 to 255) with labels y, of which the rows of order count."""

    def __init__(self, x, y, order):
        self.x, self.y, self.order = x, y, order

    def __len__(self):
        return len(self.order)


def channels(model):
    return next(m for m in model.modules() if isinstance(m, nn.Conv2d)).in_channels


def read(a, model):
    """The images to train on, and those to judge by. Which are held out depends on nothing but the data."""
    x, y = read_split(a, "train", channels(model))
    order = np.random.RandomState(0).permutation(len(x))
    if (a.data / "val").is_dir():
        vx, vy = read_split(a, "val", channels(model))
        val = Images(vx, vy, np.random.RandomState(0).permutation(len(vx))[:a.val])
    else:
        n = min(a.val, len(x) // 5)
        val, order = Images(x, y, order[:n]), order[n:]
    return Images(x, y, order[:a.subset]), val


def read_test(a, model):
    x, y = read_split(a, "test", channels(model))
    return Images(x, y, np.arange(len(x)))


def read_split(a, split, channels):
    idx = {"train": "train", "test": "t10k"}.get(split)
    if idx and any(a.data.glob("train-images-idx3-ubyte*")):
        x, y = read_idx(a.data / f"{idx}-images-idx3-ubyte")[:, None], read_idx(a.data / f"{idx}-labels-idx1-ubyte")
        grow, classes = a.size - x.shape[2], int(y.max()) + 1
        if grow < 0 or channels != 1:
            sys.exit(f"{a.data} has images of {x.shape[2]}x{x.shape[2]}x1: set input = [{x.shape[2]}, {x.shape[2]}, 1]")
        x = np.pad(x, ((0, 0), (0, 0), (grow // 2, grow - grow // 2), (grow // 2, grow - grow // 2)))
    else:
        folder = a.data if split == "train" and not (a.data / "train").is_dir() else a.data / split
        x, y, classes = read_folder(folder, a, channels)
    if a.classes and a.classes != classes:
        sys.exit(f"{a.data} has {classes} classes, and the network {a.classes}: set classes = {classes}")
    return x, y


def read_idx(path):
    file = next((f for f in (path, path.with_name(path.name + ".gz")) if f.exists()), None)
    if file is None:
        sys.exit(f"{path}: no such file, nor {path.name}.gz")
    raw = (gzip.open if file.suffix == ".gz" else open)(file, "rb").read()
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(np.frombuffer(raw, ">i4", raw[3], 4))


def read_folder(folder, a, channels):
    """(images, labels, number of classes); the images are a file in memory that all processes share."""
    from PIL import Image

    names = sorted(d.name for d in folder.glob("[!.]*") if d.is_dir())
    files = [(f, k) for k, n in enumerate(names) for f in sorted((folder / n).rglob("*"))
             if f.suffix.lower() in (".png", ".jpg", ".jpeg")]
    if not files:
        sys.exit(f"{folder}: no .png or .jpg files in folders named as the classes")
    facts = repr([(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f, _ in files])
    path = a.cache / f"{hashlib.sha256(facts.encode()).hexdigest()[:16]}-{a.size}x{a.size}x{channels}.npy"
    if not path.exists():
        a.cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        out = np.lib.format.open_memmap(part, "w+", np.uint8, (len(files), channels, a.size, a.size))

        def decode(i):
            with Image.open(files[i][0]) as im:
                side = min(im.size)  # the square in the middle
                box = [(im.width - side) // 2, (im.height - side) // 2, (im.width + side) // 2, (im.height + side) // 2]
                im = im.convert("L" if channels == 1 else "RGB").resize((a.size, a.size), Image.BILINEAR, box)
                out[i] = np.asarray(im).reshape(a.size, a.size, channels).transpose(2, 0, 1)

        with ThreadPoolExecutor(a.threads) as pool:
            list(pool.map(decode, range(len(files))))
        out.flush()
        os.replace(part, path)
    return np.load(path, mmap_mode="r"), np.array([k for _, k in files]), len(names)


def batch(images, index, device, a=None, rng=None):
    """(images from -2 to 2, as of nas infer --mean 0.5 --std 0.25, labels); rng augments them."""
    rows = images.order[index]
    x, y = torch.from_numpy(images.x[rows]).to(device), torch.from_numpy(images.y[rows].astype(np.int64)).to(device)
    if rng is not None:
        x = augment(x, a, rng)
    return x.to(torch.float32, memory_format=torch.channels_last).div_(63.75).sub_(2), y


def augment(x, a, rng):
    n, _, h, w = x.shape
    if a.shift:
        dy, dx = torch.randint(2 * a.shift + 1, (2, n, 1), generator=rng).to(x.device)
        rows, cols = dy + torch.arange(h, device=x.device), dx + torch.arange(w, device=x.device)
        image = torch.arange(n, device=x.device)[:, None, None]
        x = F.pad(x, [a.shift] * 4)[image, :, rows[:, :, None], cols[:, None, :]].permute(0, 3, 1, 2)
    if a.flip:
        mirrored = (torch.rand(n, generator=rng) < 0.5).to(x.device)
        x[mirrored] = x[mirrored].flip(3)
    return x


def loss(output, y, a):
    return F.cross_entropy(output, y, label_smoothing=a.smoothing)


@torch.no_grad()
def judge(model, images, device, at_once=500):
    """The accuracy in per cent."""
    model.eval()
    right = 0
    for i in range(0, len(images), at_once):
        x, y = batch(images, slice(i, i + at_once), device)
        right += (model(x).argmax(1) == y).sum().item()
    return 100 * right / len(images)
