# Records the small models of this folder: python3 record.py
# Each is one way in which exporters write something, with an input and PyTorch's
# output. The ops that a model is to be read as stand beside it.
import io, json, os, warnings
import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import helper, numpy_helper, TensorProto

warnings.filterwarnings("ignore")
torch.manual_seed(3)
here = os.path.dirname(os.path.abspath(__file__))


class Fn(nn.Module):
    def __init__(self, f, **layers):
        super().__init__()
        for k, v in layers.items():
            setattr(self, k, v)
        self.f = f

    def forward(self, x):
        return self.f(self, x)


def save(name, model, x, y, kinds):
    # Exporters leave source lines and shapes in a model; they are of no use here.
    for n in model.graph.node:
        n.doc_string = ""
    onnx.save(model, os.path.join(here, name + ".onnx"))
    flat = lambda t: [float("%.8g" % v) for v in t.flatten()]
    with open(os.path.join(here, name + ".json"), "w") as f:
        json.dump({"in": flat(x), "out": flat(y), "kinds": kinds}, f)
        f.write("\n")


def torch_case(name, f, shape, opset, kinds, batch=False, keep=False, **layers):
    torch.manual_seed(3)
    m = Fn(f, **layers).eval()
    for p in m.modules():
        if isinstance(p, nn.BatchNorm2d):
            p.running_mean.normal_(), p.running_var.uniform_(0.5, 2), p.weight.data.uniform_(0.5, 2), p.bias.data.normal_()
    x = torch.randn(1, *shape) * 2
    b = io.BytesIO()
    mode = torch.onnx.TrainingMode.PRESERVE if keep else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(m, x, b, opset_version=opset, training=mode, do_constant_folding=not keep,
                      dynamic_axes={"x": {0: "batch"}} if batch else None, input_names=["x"])
    save(name, onnx.load_from_string(b.getvalue()), x.numpy(), m(x).detach().numpy(), kinds)


def shuffle(x, g):
    n, c, h, w = x.size()
    return x.view(n, g, c // g, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)


torch_case("hswish_by_hand", lambda s, x: (lambda y: y * F.relu6(y + 3) / 6)(s.c(x)), (3, 5, 4), 11, "conv hswish", c=nn.Conv2d(3, 4, 3))
torch_case("hswish_other_order", lambda s, x: (lambda y: (torch.clamp(3 + y, 0, 6) * (1 / 6)) * y)(s.c(x)), (3, 5, 4), 13, "conv hswish", c=nn.Conv2d(3, 4, 1))
torch_case("hsigmoid_by_hand", lambda s, x: F.relu6(s.c(x) + 3) / 6, (3, 4, 4), 12, "conv hsigmoid", c=nn.Conv2d(3, 4, 1))
torch_case("hard_sigmoid_alone", lambda s, x: F.hardsigmoid(s.c(x)), (3, 4, 4), 17, "conv hsigmoid", c=nn.Conv2d(3, 4, 1))
torch_case("hardswish_before_14", lambda s, x: F.hardswish(x), (3, 4, 4), 12, "hswish")
torch_case("swish", lambda s, x: F.silu(s.b(s.c(x))), (3, 4, 4), 11, "conv bn swish", keep=True, c=nn.Conv2d(3, 4, 1, bias=False), b=nn.BatchNorm2d(4, eps=1e-3))
torch_case("clips", lambda s, x: torch.clamp(torch.clamp(torch.clamp(x, min=-1), max=2), -0.5, 1.5), (2, 4, 4), 11, "bn relu bn relu bn relu6 bn")
torch_case("se_by_mean", lambda s, x: x * torch.sigmoid(s.b(F.relu(s.a(x.mean((2, 3), keepdim=True))))), (8, 5, 5), 13,
           "global_pool conv relu conv sigmoid mul", a=nn.Conv2d(8, 2, 1), b=nn.Conv2d(2, 8, 1))
torch_case("se_by_linear", lambda s, x: torch.sigmoid(s.b(F.relu(s.a(F.adaptive_avg_pool2d(x, 1).view(x.size(0), -1))))).view(x.size(0), -1, 1, 1) * x, (8, 5, 5), 11,
           "global_pool linear relu linear sigmoid mul", batch=True, keep=True, a=nn.Linear(8, 2), b=nn.Linear(2, 8))
torch_case("shuffle_unit", lambda s, x: shuffle(torch.cat([x.chunk(2, 1)[0], s.c(x.chunk(2, 1)[1])], 1), 2), (8, 4, 3), 13,
           "slice slice conv concat shuffle", c=nn.Conv2d(4, 4, 1))
torch_case("shuffle_of_open_batch", lambda s, x: shuffle(s.c(x), 3), (6, 4, 3), 11, "conv shuffle", batch=True, keep=True, c=nn.Conv2d(6, 6, 3, padding=1, groups=3))
torch_case("padding_apart", lambda s, x: s.c(F.pad(x, (0, 1, 2, 3))), (3, 6, 5), 11, "conv", c=nn.Conv2d(3, 4, 3, stride=2))
torch_case("padding_under_a_pool", lambda s, x: F.max_pool2d(F.pad(x, (1, 0, 0, 1)), 2), (3, 6, 5), 17, "conv pool")
torch_case("padding_under_a_mean", lambda s, x: F.avg_pool2d(F.pad(x, (1, 0, 0, 1)), 2, 1), (3, 6, 5), 17, "pool")
torch_case("pools", lambda s, x: F.max_pool2d(F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), 2, 2, ceil_mode=True), (2, 11, 8), 11, "pool pool")
torch_case("mean_with_padding", lambda s, x: F.avg_pool2d(x, 3, 2, 1), (2, 7, 6), 11, "pool")
torch_case("channels_apart", lambda s, x: s.c(torch.cat([torch.unsqueeze(x[:, i], 1) * (0.5 + i) - 0.25 for i in range(3)], 1)), (3, 4, 4), 13,
           "slice affine slice affine slice affine concat conv", c=nn.Conv2d(3, 2, 1))
torch_case("normalised_input", lambda s, x: s.c((x - s.m) / s.s), (3, 4, 4), 13, "affine affine conv", c=nn.Conv2d(3, 2, 1),
           m=nn.Parameter(torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1)), s=nn.Parameter(torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1)))
torch_case("flattened_map", lambda s, x: F.softmax(s.l(torch.flatten(F.relu(s.c(x)), 1)), 1), (3, 4, 5), 11, "conv relu linear softmax", c=nn.Conv2d(3, 4, 2), l=nn.Linear(48, 5))
torch_case("matmul", lambda s, x: F.relu(torch.matmul(x.mean((2, 3)), s.w) + s.b), (6, 4, 5), 17, "global_pool linear relu",
           w=nn.Parameter(torch.randn(6, 4)), b=nn.Parameter(torch.randn(4)))
torch_case("resize_like_input", lambda s, x: F.interpolate(s.c(x), size=x.shape[-2:], mode="bilinear", align_corners=False), (3, 7, 6), 11,
           "conv resize", batch=True, keep=True, c=nn.Conv2d(3, 4, 3, stride=2))
torch_case("resize_corners", lambda s, x: F.interpolate(x, size=(9, 5), mode="bilinear", align_corners=True), (3, 4, 6), 13, "resize")
torch_case("resize_nearest", lambda s, x: F.interpolate(x, scale_factor=2, mode="nearest"), (3, 4, 6), 11, "resize")
torch_case("difference", lambda s, x: s.a(x) - (1 - s.b(x)), (3, 4, 4), 14, "conv conv affine add", a=nn.Conv2d(3, 4, 1), b=nn.Conv2d(3, 4, 1))
torch_case("cbam_gate", lambda s, x: x * torch.sigmoid(s.c(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1))), (4, 8, 7), 13,
           "channel_pool channel_pool concat conv sigmoid mul", c=nn.Conv2d(2, 1, 7, padding=3))

# What TensorFlow's converter writes, by hand: auto_pad, half precision, LRN.
r = np.random.RandomState(1)
for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
    w = r.randn(4, 3, 4, 3).astype(np.float32)
    g = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="conv", auto_pad=auto, strides=[2, 2])], "auto",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 7, 6])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(w, "w")])
    x = torch.tensor(r.randn(1, 3, 7, 6).astype(np.float32))
    pad = {"SAME_UPPER": (0, 1, 1, 2), "SAME_LOWER": (1, 0, 2, 1), "VALID": (0, 0, 0, 0)}[auto]
    y = F.conv2d(F.pad(x, pad), torch.tensor(w), stride=2)
    save("auto_pad_" + auto.lower(), helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)]), x.numpy(), y.numpy(), "conv")

w = r.randn(4, 6, 1, 1).astype(np.float16)
g = helper.make_graph(
    [helper.make_node("Cast", ["w"], ["v"], to=TensorProto.FLOAT), helper.make_node("LRN", ["x"], ["n"], size=5, alpha=0.5, beta=0.75, bias=2.0),
     helper.make_node("Dropout", ["n"], ["d"]), helper.make_node("Conv", ["d", "v"], ["y"])], "half",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6, 3, 4])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    [numpy_helper.from_array(w, "w")])
x = torch.tensor(r.randn(1, 6, 3, 4).astype(np.float32))
y = F.conv2d(F.local_response_norm(x, 5, 0.5, 0.75, 2.0), torch.tensor(w.astype(np.float32)))
save("half_precision_and_lrn", helper.make_model(g, opset_imports=[helper.make_opsetid("", 11)]), x.numpy(), y.numpy(), "lrn conv")

# What changed with opset 18: axes of ReduceMean and Pad as inputs, Split into a number of parts.
ints = lambda name, *v: numpy_helper.from_array(np.array(v, np.int64), name)
w = r.randn(4, 3, 3, 3).astype(np.float32)
g = helper.make_graph(
    [helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2), helper.make_node("Pad", ["a", "p", "", "hw"], ["q"]),
     helper.make_node("Conv", ["q", "w"], ["c"]), helper.make_node("ReduceMean", ["b", "hw"], ["m"], keepdims=0),
     helper.make_node("Gemm", ["m", "v"], ["l"], transB=1, alpha=0.5), helper.make_node("Sigmoid", ["l"], ["s"]),
     helper.make_node("Unsqueeze", ["s", "hw"], ["u"]), helper.make_node("Mul", ["u", "c"], ["y"])], "opset18",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6, 5, 4])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    [ints("p", 0, 1, 1, 2), ints("hw", 2, 3), numpy_helper.from_array(w, "w"), numpy_helper.from_array(r.randn(4, 3).astype(np.float32), "v")])
x = torch.tensor(r.randn(1, 6, 5, 4).astype(np.float32))
a, b = x.chunk(2, 1)
v = torch.tensor(numpy_helper.to_array(g.initializer[3]))
y = F.conv2d(F.pad(a, (1, 2, 0, 1)), torch.tensor(w)) * torch.sigmoid(0.5 * b.mean((2, 3)) @ v.T)[:, :, None, None]
save("opset18", helper.make_model(g, opset_imports=[helper.make_opsetid("", 18)]), x.numpy(), y.numpy(), "slice slice conv global_pool linear sigmoid mul")
