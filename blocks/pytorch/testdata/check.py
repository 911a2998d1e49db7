"""Runs exported modules in PyTorch: python3 check.py < jobs > results.

A line of standard input is a list of jobs, its answer a line of standard output. One process serves all tests,
because importing torch takes seconds. The first word of a line says what to do with the jobs: "check" or "travel".
"""

import copy
import importlib.util
import inspect
import json
import sys

import numpy
import torch
import torch.nn.functional as F
import travel

torch.set_num_threads(1)


def load(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def whole(y):
    """The output, or of several outputs all values of an image in a row."""
    return torch.cat([v.flatten(1) for v in y], 1) if isinstance(y, tuple) else y


def run(job):
    torch.manual_seed(0)
    exported = load(job["module"])
    model = getattr(exported, job["class"])()
    state = exported.load_safetensors(job["weights"])
    model.load_state_dict(state)
    model.eval()
    x = torch.from_numpy(numpy.fromfile(job["input"], dtype=numpy.float32).reshape(job["dims"]))
    # The second image makes sure that images do not mix; its result is not compared.
    both = torch.cat([x, x.flip(3)])
    with torch.no_grad():
        y = whole(model(both))
        alone = whole(model(x))
    scale = alone.abs().max().item()
    result = {
        "params": sum(p.numel() for p in model.parameters()),
        "shape": list(alone.shape),
        "batch": (y[:1] - alone).abs().max().item() / max(scale, 1e-30),
    }
    # Of a deep network torch's own float32 is off by more than the engine's: what is compared is
    # the float64 value of the same float32 weights.
    with torch.no_grad():
        exact = whole(copy.deepcopy(model).double()(x.double()))
    exact.numpy().astype(numpy.float32).tofile(job["output"])
    result["float32"] = (alone - exact).abs().max().item() / max(scale, 1e-30)
    if "num_classes" in inspect.signature(type(model).__init__).parameters:
        with torch.no_grad():
            result["classes"] = getattr(exported, job["class"])(num_classes=3).eval()(x).shape[1]
    if job["npz"]:
        saved = {k: v.numpy() for k, v in model.state_dict().items()}
        numpy.savez_compressed(job["npz"], **saved)
        # What torch itself considers the state must be what the file holds.
        result["names"] = sorted(set(saved) ^ set(state))
    if job["train"]:
        result.update(train(model, both))
    return result


def classified(y):
    """The loss of a classifier, or of the mean of a map of classes."""
    y = y.flatten(2).mean(2) if y.dim() > 2 else y
    return F.cross_entropy(y, torch.arange(len(y)) % y.shape[1])


def detected(outs, anchors=6):
    """The loss of SSD (Liu et al., 2016, equation 1), with a class and a box drawn for every anchor."""
    torch.manual_seed(1)
    loss = 0
    for scores, boxes in zip(outs[::2], outs[1::2]):
        scores = scores.unflatten(1, (anchors, -1)).transpose(1, 2)
        loss = loss + F.cross_entropy(scores, torch.randint(scores.shape[1], (len(scores), *scores.shape[2:])))
        loss = loss + F.smooth_l1_loss(boxes, torch.randn_like(boxes))
    return loss


def train(model, x):
    """Steps of SGD: every parameter must have a gradient, and the loss must stay finite; that of a detector must fall."""
    model.train()
    detector = isinstance(model(x), tuple)
    if detector:
        x = torch.cat([x, torch.randn(6, *x.shape[1:])])  # maps of one pixel give batch normalisation nothing but images
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2 if detector else 1e-3)
    losses = []
    for _ in range(10 if detector else 2):
        optimizer.zero_grad()
        y = model(x)
        loss = detected(y) if detector else classified(y)
        loss.backward()
        still = [n for n, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
        optimizer.step()
        losses.append(loss.item())
    moved = [n for n, p in model.named_parameters() if p.grad.abs().sum() > 0]
    return {"losses": losses, "still": still, "moved": len(moved), "tensors": len(list(model.parameters()))}


def tried(job):
    try:
        return run(job)
    except Exception as e:  # told to the test, which knows the job's name
        return {"error": f"{type(e).__name__}: {e}"}


answers, sys.stdout = sys.stdout, sys.stderr  # what else is printed is no answer
for line in sys.stdin:
    what, jobs = line.split(" ", 1)
    results = [travel.run(j) if what == "travel" else tried(j) for j in json.loads(jobs)]
    print(json.dumps({"torch": torch.__version__, "results": results}), file=answers, flush=True)
