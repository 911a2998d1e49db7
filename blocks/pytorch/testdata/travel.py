"""Takes exported modules on the ways that lead out of PyTorch, for check.py.

Each way gives the largest difference to the module, as a part of its largest value; "absent" where this
PyTorch does not have the way.
"""

import importlib.util
import sys
import warnings

import numpy
import torch
import torch.fx

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def load(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["exported"] = module
    spec.loader.exec_module(module)
    return module


def flat(y):
    return torch.cat([v.flatten() for v in y]) if isinstance(y, tuple) else y.flatten()


def onnx(model, x, path, **more):
    torch.onnx.export(model, x, path, input_names=["x"], **more)


def compiled(model):
    if not hasattr(torch, "compile"):
        return None
    return torch.compile(model, backend="eager", fullgraph=True)


def dynamo(model, x, path):
    if not hasattr(torch.onnx, "ONNXProgram"):
        return "absent"
    onnx(model, x, path, dynamo=True)
    return 0.0


def run(job):
    exported = load(job["module"])
    model = getattr(exported, job["class"])()
    model.load_state_dict(exported.load_safetensors(job["weights"]))
    model.eval()
    x = torch.from_numpy(numpy.fromfile(job["input"], dtype=numpy.float32).reshape(job["dims"]))
    ways = {
        "script": lambda: torch.jit.script(model),
        "trace": lambda: torch.jit.trace(model, x),
        "fx": lambda: torch.fx.symbolic_trace(model),
        "compile": lambda: compiled(model),
    }
    result = {}
    with torch.no_grad():
        want = flat(model(x))
        scale = max(want.abs().max().item(), 1e-30)
        for name, way in ways.items():
            try:
                other = way()
                result[name] = "absent" if other is None else (flat(other(x)) - want).abs().max().item() / scale
            except Exception as e:  # told to the test, which knows the job's name
                result[name] = f"{type(e).__name__}: {str(e)[:400]}"
        for name, way in {
            "onnx": lambda: onnx(model, x, job["output"], opset_version=13),
            "dynamo": lambda: dynamo(model, x, job["output"] + ".dynamo.onnx"),
        }.items():
            try:
                result[name] = way() or 0.0
            except Exception as e:
                result[name] = f"{type(e).__name__}: {str(e)[:400]}"
    torch.save({"state_dict": {"module." + k: v for k, v in model.state_dict().items()}, "epoch": 3}, job["npz"])
    return result

