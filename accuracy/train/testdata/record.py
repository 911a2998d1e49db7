"""Records the losses of 20 training steps of PyTorch: python3 record.py ./nas > steps.json

nas writes the network and its weights. The images of a step are bytes of a linear congruential generator, their labels
follow from their place: TestPyTorch makes the same. PyTorch computes in float64, as its own float32 drifts away by up to
8e-5 here. A network whose last maps have few pixels, such as mobilenet_v2 at 32x32, will not do: in its second step the
float32 of PyTorch is 4e-3 away from its float64.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

BATCH, STEPS, SMOOTHING = 32, 20, 0.1
ARCH = ("32x32x3 | conv_k3_s2_c16_relu6 | mbconv_k3_s1_x48_c16_relu6_se4:relu:hsigmoid_res | mbconv_k5_s2_x64_c24_hswish | "
        "mbconv_k3_s1_d2_x96_c24_swish_res | grouped_k3_s1_g4_c32_relu | classifier_c64_hswish_n10")
CASES = {
    "sgd": {"arch": ARCH, "seed": 1, "rate": 0.02, "decay": 5e-4, "momentum": 0.9},
    "adamw": {"arch": ARCH, "seed": 2, "rate": 0.0005, "decay": 0.05, "momentum": 0},
}


def network(nas, case):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "net.py")
        subprocess.run([nas, "export", case["arch"], "--seed", str(case["seed"]), "--format", "pytorch", "--out", path,
                        "--quiet"], check=True)
        spec = importlib.util.spec_from_file_location("net", path)
        net = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(net)
        classes = [c for c in vars(net).values()
                   if isinstance(c, type) and issubclass(c, torch.nn.Module) and c.__module__ == "net"]
        model = classes[-1]()
        model.load_state_dict(net.load_safetensors(path.with_suffix(".safetensors")))
    return model.train()


def images(step):
    i = np.arange(BATCH * 32 * 32 * 3, dtype=np.uint64) + np.uint64(step * 1000003)
    x = (i * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)) >> np.uint64(56)
    x = torch.from_numpy(x.astype(np.float32)).reshape(BATCH, 32, 32, 3).permute(0, 3, 1, 2)
    return (x.double() / 255 - 0.5) / 0.25, torch.tensor([(7 * k + 3 * step) % 10 for k in range(BATCH)])


def losses(nas, case):
    model = network(nas, case).double()
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": case["decay"]},
              {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0}]
    if case["momentum"]:
        opt = torch.optim.SGD(groups, case["rate"], case["momentum"], nesterov=True)
    else:
        opt = torch.optim.AdamW(groups, case["rate"])
    out = []
    for step in range(STEPS):
        x, y = images(step)
        loss = F.cross_entropy(model(x), y, label_smoothing=SMOOTHING)
        opt.zero_grad()
        loss.backward()
        opt.step()
        out.append(loss.item())
    return out


if __name__ == "__main__":
    torch.set_num_threads(1)
    out = {name: {**case, "batch": BATCH, "smoothing": SMOOTHING, "losses": losses(sys.argv[1], case)}
           for name, case in CASES.items()}
    json.dump({"torch": torch.__version__, "cases": out}, sys.stdout, indent=1)
    print()
