"""Semantic segmentation, for train.py. --data is a folder of

    DIR/images/NAME.png or .jpg
    DIR/masks/NAME.png, of one channel: the class of each pixel, from 0 on; 255 does not count

A part of the images is held out for validation. DIR/test/images and DIR/test/masks are the test set, for --test.
Images and masks are stretched to the size of the input, once for all trainings, into --cache.
"""

import hashlib
import os
import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

IGNORED = 255


def options(p):
    p.add_argument("--data", required=True, type=pathlib.Path)
    p.add_argument("--size", required=True, type=int, help="height and width of the input, in pixels")
    p.add_argument("--classes", required=True, type=int)
    p.add_argument("--subset", type=int, help="train on this many images only")
    p.add_argument("--val", type=int, default=1000, help="validation images, a fifth of all at most")
    p.add_argument("--flip", action="store_true", help="augmentation: left and right")
    p.add_argument("--cache", type=pathlib.Path, default=pathlib.Path.home() / ".cache" / "nas" / "images")


class Images:
    """Images x (N x C x H x W) with masks y (N x H x W), of which the rows of order count."""

    def __init__(self, xy, order, classes):
        self.x, self.y, self.order, self.classes = *xy, order, classes

    def __len__(self):
        return len(self.order)


def read(a, model):
    """The images to train on, and those to judge by. Which are held out depends on nothing but the data."""
    xy = read_folder(a.data, a, model)
    order = np.random.RandomState(0).permutation(len(xy[0]))
    n = min(a.val, len(order) // 5)
    return Images(xy, order[n:][:a.subset], a.classes), Images(xy, order[:n], a.classes)


def read_test(a, model):
    xy = read_folder(a.data / "test", a, model)
    return Images(xy, np.arange(len(xy[0])), a.classes)


def read_folder(folder, a, model):
    from PIL import Image

    channels = next(m for m in model.modules() if isinstance(m, nn.Conv2d)).in_channels
    pairs = [(f, folder / "masks" / (f.stem + ".png")) for f in sorted((folder / "images").glob("*"))
             if f.suffix.lower() in (".png", ".jpg", ".jpeg")]
    if not pairs:
        sys.exit(f"{folder / 'images'}: no .png or .jpg files")
    for _, mask in pairs:
        if not mask.exists():
            sys.exit(f"{mask}: there is no such mask")
    facts = repr([(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for pair in pairs for f in pair])
    path = a.cache / f"{hashlib.sha256(facts.encode()).hexdigest()[:16]}-{a.size}x{a.size}x{channels}+1.npy"
    if not path.exists():
        a.cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        out = np.lib.format.open_memmap(part, "w+", np.uint8, (len(pairs), channels + 1, a.size, a.size))

        def decode(i):
            with Image.open(pairs[i][0]) as im, Image.open(pairs[i][1]) as mask:
                im = im.convert("L" if channels == 1 else "RGB").resize((a.size, a.size), Image.BILINEAR)
                out[i, :-1] = np.asarray(im).reshape(a.size, a.size, channels).transpose(2, 0, 1)
                out[i, -1] = np.asarray(mask.resize((a.size, a.size), Image.NEAREST))

        with ThreadPoolExecutor(a.threads) as pool:
            list(pool.map(decode, range(len(pairs))))
        out.flush()
        os.replace(part, path)
    both = np.load(path, mmap_mode="r")
    highest = max((int(m[m != IGNORED].max(initial=0)) for m in both[:, -1]), default=0)
    if highest >= a.classes:
        sys.exit(f"{folder}/masks has the class {highest}, and the network {a.classes}: set classes = {highest + 1}")
    return both[:, :-1], both[:, -1]


def batch(images, index, device, a=None, rng=None):
    """(images from -2 to 2, as of nas infer --mean 0.5 --std 0.25, masks); rng augments them."""
    rows = images.order[index]
    x, y = torch.from_numpy(images.x[rows]).to(device), torch.from_numpy(images.y[rows].astype(np.int64)).to(device)
    if rng is not None and a.flip:
        mirrored = (torch.rand(len(x), generator=rng) < 0.5).to(device)
        x[mirrored], y[mirrored] = x[mirrored].flip(3), y[mirrored].flip(2)
    return x.to(torch.float32, memory_format=torch.channels_last).div_(63.75).sub_(2), y


def full(output, y):
    """The output in the size of the mask."""
    return F.interpolate(output, y.shape[-2:], mode="bilinear", align_corners=False)


def loss(output, y, a):
    return F.cross_entropy(full(output, y), y, ignore_index=IGNORED)


@torch.no_grad()
def judge(model, images, device, at_once=50):
    """The mIoU in per cent: of the classes that occur, over all pixels together."""
    model.eval()
    n = images.classes
    pairs = np.zeros(n * n, np.int64)  # of a pixel's class and the predicted one
    for i in range(0, len(images), at_once):
        x, y = batch(images, slice(i, i + at_once), device)
        p = full(model(x), y).argmax(1)
        pairs += torch.bincount((y * n + p)[y != IGNORED], minlength=n * n).cpu().numpy()
    pairs = pairs.reshape(n, n)
    both, either = np.diag(pairs), pairs.sum(0) + pairs.sum(1) - np.diag(pairs)
    return 100 * float((both[either > 0] / either[either > 0]).mean())
