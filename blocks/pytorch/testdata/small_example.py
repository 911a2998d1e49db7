"""small_example as a PyTorch module, written by nas.

Input: N x 3 x 32 x 32
Parameters: 17,281
Multiply-accumulates of an image: 1,250,120
Predicted latency in ms: 0.25 (90 %: 0.2 to 0.3), native, 1 thread
Arch: 32x32x3 | conv_k3 ''' \\

    model = SmallExample()
    model.load_state_dict(load_safetensors("weights.safetensors"))  # the file beside this one
"""

import json

import torch
import torch.nn.functional as F
from torch import nn


class ConvBNAct(nn.Module):
    """Convolution, batch normalisation, activation. Without padding given, stride 1 keeps the extent."""

    def __init__(
        self, cin, cout, kernel=1, stride=1, dilation=1, groups=1, padding=None, bias=False, act=nn.Identity, eps=1e-05
    ):
        super().__init__()
        if padding is None:
            padding = dilation * (kernel - 1) // 2
        self.conv = nn.Conv2d(cin, cout, kernel, stride, padding, dilation, groups, bias=bias)
        self.bn = nn.BatchNorm2d(cout, eps=eps)
        self.act = act()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class SqueezeExcite(nn.Module):
    """Weigh channels by a gate made of their global means (Hu et al., CVPR 2018)."""

    def __init__(self, channels, hidden, act=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.act = act()
        self.expand = nn.Conv2d(hidden, channels, 1)
        self.gate = gate()

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        return x * self.gate(self.expand(self.act(self.reduce(mean))))


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection (Sandler et al., CVPR 2018)."""

    def __init__(
        self, cin, cout, expanded=None, kernel=3, stride=1, dilation=1, act=nn.ReLU6, project_act=nn.Identity,
        attention=None, residual=False
    ):
        super().__init__()
        inner = expanded or cin
        self.expand = ConvBNAct(cin, expanded, act=act) if expanded else nn.Identity()
        self.depthwise = ConvBNAct(inner, inner, kernel, stride, dilation, groups=inner, act=act)
        self.attention = nn.Identity() if attention is None else attention
        self.project = ConvBNAct(inner, cout, act=project_act)
        self.residual = residual

    def forward(self, x):
        y = self.project(self.attention(self.depthwise(self.expand(x))))
        return y + x if self.residual else y


class DepthwiseSeparable(nn.Module):
    """Depthwise convolution, then a pointwise one (Howard et al., MobileNets, 2017)."""

    def __init__(
        self, cin, cout, kernel=3, stride=1, dilation=1, multiplier=1, act=nn.ReLU, pointwise_act=nn.Identity,
        attention=None, residual=False
    ):
        super().__init__()
        inner = cin * multiplier
        self.depthwise = ConvBNAct(cin, inner, kernel, stride, dilation, groups=cin, act=act)
        self.attention = nn.Identity() if attention is None else attention
        self.pointwise = ConvBNAct(inner, cout, act=pointwise_act)
        self.residual = residual

    def forward(self, x):
        y = self.pointwise(self.attention(self.depthwise(x)))
        return y + x if self.residual else y


class SmallExampleBlock(nn.Module):
    """A block of which the network has 2."""

    def __init__(self, cin, cout):
        super().__init__()
        self.depthwise = nn.Conv2d(cin, cin, 3, padding=1, groups=cin, bias=False)
        self.pointwise = ConvBNAct(cin, cout)

    def forward(self, x):
        x = F.relu(x)
        x = self.depthwise(x)
        return self.pointwise(x)


class SmallExample(nn.Module):
    """Returns N x 5 for images N x 3 x 32 x 32."""

    def __init__(self, num_classes=5):
        super().__init__()
        self.stem = ConvBNAct(3, 16, kernel=3, stride=2, act=nn.Hardswish)
        self.stage1 = nn.Sequential(
            DepthwiseSeparable(16, 16, pointwise_act=nn.ReLU),
            InvertedResidual(16, 24, 48, kernel=5, stride=2, attention=SqueezeExcite(48, 12, gate=nn.Hardsigmoid)),
            *(InvertedResidual(24, 24, 72, residual=True) for _ in range(2)),
            SmallExampleBlock(24, 32),
            SmallExampleBlock(32, 40),
        )
        self.classifier = nn.Linear(40, num_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.stage1(x)  # 40 x 8 x 8
        x = x.mean((2, 3))
        return self.classifier(x)


def load_safetensors(path):
    """Read a .safetensors file into a state dict."""
    types = {
        "F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    }
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = bytearray(f.read())
    header.pop("__metadata__", None)
    state = {}
    for name, t in header.items():
        start, end = t["data_offsets"]
        state[name] = torch.frombuffer(data[start:end], dtype=types[t["dtype"]]).reshape(t["shape"])
    return state
