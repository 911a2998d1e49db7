# Exports small networks from PyTorch in the ways that people do, for TestModelsAgree:
# python3 ways.py FOLDER. Each network comes in three ways, which differ in opset, in open
# extents, in what is folded, and in whether it was traced or scripted.
import os, sys, torch, warnings
import torch.nn as nn, torch.nn.functional as F
warnings.filterwarnings("ignore")
os.makedirs(sys.argv[1], exist_ok=True)
torch.set_num_threads(1)


class Fn(nn.Module):
    """A convolution, a function of the map, and what the function needs."""
    def __init__(s, f, **parts):
        super().__init__()
        s.f, s.stem = f, nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8))
        for k, v in parts.items():
            setattr(s, k, v)

    def forward(s, x):
        return s.f(s, s.stem(x))


def conv(i, o, k=3, s=1, g=1, act=nn.ReLU, **kw):
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False, **kw), nn.BatchNorm2d(o), act())


class Classifier(nn.Module):
    """A plain network, which can be scripted."""
    def __init__(s, act=nn.ReLU6):
        super().__init__()
        s.features = nn.Sequential(conv(3, 8, 3, 2, act=act), conv(8, 8, 3, 1, 8, act=act), conv(8, 16, 1, act=act))
        s.pool, s.drop, s.head = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2), nn.Linear(16, 10)

    def forward(s, x):
        x = s.pool(s.features(x))
        return s.head(s.drop(torch.flatten(x, 1)))


class Squeezed(Classifier):
    def forward(s, x):
        return s.head(s.pool(s.features(x)).squeeze(3).squeeze(2))


class Viewed(Classifier):
    def forward(s, x):
        x = s.features(x)
        return s.head(x.mean(3).mean(2).view(x.size(0), -1))


class Residual(nn.Module):
    def __init__(s):
        super().__init__()
        s.a, s.b = conv(3, 8), nn.Sequential(conv(8, 32, 1), conv(32, 32, 3, 1, 32), nn.Conv2d(32, 8, 1), nn.BatchNorm2d(8))

    def forward(s, x):
        x = s.a(x)
        return F.relu(x + s.b(x))


class Rep(nn.Module):
    def __init__(s):
        super().__init__()
        s.stem, s.c3 = nn.Conv2d(3, 8, 1), nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8))
        s.c1, s.id = nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8)), nn.BatchNorm2d(8)

    def forward(s, x):
        x = s.stem(x)
        return F.relu(s.c3(x) + s.c1(x) + s.id(x))


class Pyramid(nn.Module):
    def __init__(s, mode="nearest", many=True):
        super().__init__()
        s.mode, s.many, s.a, s.b, s.c = mode, many, conv(3, 8, 3, 2), conv(8, 16, 3, 2), conv(16, 32, 3, 2)
        s.la, s.lb, s.lc = nn.Conv2d(8, 8, 1), nn.Conv2d(16, 8, 1), nn.Conv2d(32, 8, 1)
        s.out = nn.Conv2d(8, 8, 3, 1, 1)

    def forward(s, x):
        a = s.a(x)
        b = s.b(a)
        c = s.c(b)
        p = s.lc(c)
        q = s.lb(b) + F.interpolate(p, size=b.shape[2:], mode=s.mode)
        r = s.la(a) + F.interpolate(q, scale_factor=2, mode=s.mode)
        return (s.out(r), s.out(q), s.out(p)) if s.many else torch.cat([r, F.interpolate(p, size=a.shape[-2:])], 1)


class Attention(nn.Module):
    def __init__(s, c=16, heads=2):
        super().__init__()
        s.heads, s.stem, s.qkv, s.out, s.norm = heads, nn.Conv2d(3, c, 4, 4), nn.Linear(c, 3 * c), nn.Linear(c, c), nn.LayerNorm(c)

    def forward(s, x):
        x = s.stem(x).flatten(2).transpose(1, 2)
        b, n, c = x.shape
        q, k, v = s.qkv(s.norm(x)).reshape(b, n, 3, s.heads, c // s.heads).permute(2, 0, 3, 1, 4).unbind(0)
        a = ((q @ k.transpose(-2, -1)) * (c // s.heads) ** -0.5).softmax(-1)
        return (x + s.out((a @ v).transpose(1, 2).reshape(b, n, c))).mean(1)


class Tile(nn.Module):
    """MobileViT's unfolding into patches and back."""
    def __init__(s):
        super().__init__()
        s.stem, s.lin = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 8)

    def forward(s, x):
        x = s.stem(x)
        b, c, h, w = x.shape
        y = x.reshape(b * c * (h // 2), 2, w // 2, 2).transpose(1, 2)
        y = y.reshape(b, c, h * w // 4, 4).transpose(1, 3).reshape(b * 4, h * w // 4, c)
        y = s.lin(y).view(b, 4, h * w // 4, c).transpose(1, 3)
        return y.reshape(b * c * (h // 2), w // 2, 2, 2).transpose(1, 2).reshape(b, c, h, w)


class NextBlock(nn.Module):
    def __init__(s):
        super().__init__()
        s.stem, s.dw, s.norm = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 8, 7, 1, 3, groups=8), nn.LayerNorm(8, 1e-6)
        s.a, s.b, s.gamma = nn.Linear(8, 32), nn.Linear(32, 8), nn.Parameter(torch.randn(8))

    def forward(s, x):
        x = s.stem(x)
        y = s.norm(s.dw(x).permute(0, 2, 3, 1))
        return x + (s.gamma * s.b(F.gelu(s.a(y)))).permute(0, 3, 1, 2)


def shuffle(x, g):
    b, c, h, w = x.shape
    return x.view(b, g, c // g, h, w).transpose(1, 2).contiguous().view(b, c, h, w)


def cbam(s, x):
    g = torch.sigmoid(s.mlp(F.adaptive_avg_pool2d(x, 1)) + s.mlp(F.adaptive_max_pool2d(x, 1)))
    x = x * g
    m = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)
    return x * torch.sigmoid(s.sp(m))


def coordinates(s, x):
    n, c, h, w = x.shape
    y = torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).permute(0, 1, 3, 2)], 2)
    a, b = torch.split(F.hardswish(s.bn(s.c(y))), [h, w], 2)
    return x * s.h(a).sigmoid() * s.w(b.permute(0, 1, 3, 2)).sigmoid()


def selective(s, x):
    u = torch.stack([s.a(x), s.b(x)], 1)
    z = s.fc(u.sum(1).mean((2, 3)))
    return (u * torch.softmax(z.view(-1, 2, 8), 1).unsqueeze(-1).unsqueeze(-1)).sum(1)


def nonlocal_(s, x):
    b, c, h, w = x.shape
    q, k, v = s.q(x).view(b, -1, h * w), s.k(x).view(b, -1, h * w), s.v(x).view(b, -1, h * w)
    a = torch.softmax(torch.bmm(q.permute(0, 2, 1), k), -1)
    return x + torch.bmm(v, a.permute(0, 2, 1)).view(b, c, h, w)


def context(s, x):
    b, c, h, w = x.shape
    m = s.m(x).view(b, 1, h * w).softmax(2).unsqueeze(-1)
    return x + s.t(torch.matmul(x.view(b, 1, c, h * w), m).view(b, c, 1, 1))


def se(s, x):
    b, c, _, _ = x.size()
    return x * s.fc(F.adaptive_avg_pool2d(x, 1).view(b, c)).view(b, c, 1, 1).expand_as(x)


def eca(s, x):
    y = s.c(F.adaptive_avg_pool2d(x, 1).squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
    return x * y.sigmoid().expand_as(x)


def focus(s, x):
    return s.c(torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1))


def spp(s, x):
    return s.c(torch.cat([x] + [F.max_pool2d(x, k, 1, k // 2) for k in (5, 9, 13)], 1))


def res2(s, x):
    a, b, c, d = x.chunk(4, 1)
    b = s.k(b)
    c = s.k(c + b)
    return torch.cat([a, b, c, s.k(d + c)], 1)


def swin(s, x):
    x = torch.roll(x.permute(0, 2, 3, 1), (-2, -2), (1, 2))
    b, h, w, c = x.shape
    x = x.view(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
    return s.l(x).view(b, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)


def resized(**kw):
    return lambda s, x: F.interpolate(x, **kw)


def functions():
    yield "se", se, dict(fc=nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 8), nn.Sigmoid()))
    yield "se_conv", lambda s, x: x * s.fc(x.mean((2, 3), keepdim=True)), dict(
        fc=nn.Sequential(nn.Conv2d(8, 4, 1), nn.SiLU(), nn.Conv2d(4, 8, 1), nn.Hardsigmoid()))
    yield "eca", eca, dict(c=nn.Conv1d(1, 1, 3, padding=1, bias=False))
    yield "cbam", cbam, dict(mlp=nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 1)), sp=nn.Conv2d(2, 1, 7, 1, 3))
    yield "coordinates", coordinates, dict(c=nn.Conv2d(8, 8, 1), bn=nn.BatchNorm2d(8), h=nn.Conv2d(8, 8, 1), w=nn.Conv2d(8, 8, 1))
    yield "selective", selective, dict(a=conv(8, 8), b=conv(8, 8, dilation=1), fc=nn.Linear(8, 16))
    yield "nonlocal", nonlocal_, dict(q=nn.Conv2d(8, 4, 1), k=nn.Conv2d(8, 4, 1), v=nn.Conv2d(8, 8, 1))
    yield "context", context, dict(m=nn.Conv2d(8, 1, 1), t=nn.Conv2d(8, 8, 1))
    yield "focus", focus, dict(c=nn.Conv2d(32, 8, 3, 1, 1))
    yield "spp", spp, dict(c=nn.Conv2d(32, 8, 1))
    yield "res2", res2, dict(k=nn.Conv2d(2, 2, 3, 1, 1))
    yield "swin_window", swin, dict(l=nn.Linear(8, 8))
    yield "ghost", lambda s, x: torch.cat([x, s.d(x)], 1)[:, :12], dict(d=nn.Conv2d(8, 8, 3, 1, 1, groups=8))
    yield "shuffle", lambda s, x: shuffle(x, 2), {}
    yield "shuffle_unit", lambda s, x: shuffle(torch.cat([x[:, :4], s.c(x[:, 4:])], 1), 2), dict(c=conv(4, 4))
    yield "channel_shuffle", lambda s, x: s.c(x), dict(c=nn.ChannelShuffle(4))
    yield "pixel_shuffle", lambda s, x: F.pixel_shuffle(x, 2), {}
    yield "pixel_unshuffle", lambda s, x: F.pixel_unshuffle(x, 2), {}
    yield "conv_same", lambda s, x: s.c(x), dict(c=nn.Conv2d(8, 8, 4, padding="same"))
    for mode in ("reflect", "replicate", "circular"):
        yield "conv_" + mode, lambda s, x: s.c(x), dict(c=nn.Conv2d(8, 8, 3, padding=1, padding_mode=mode))
    yield "pads", lambda s, x: s.c(x), dict(c=nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.ReflectionPad2d(2), nn.ReplicationPad2d(1), nn.ConstantPad2d(1, 0.5)))
    yield "deconv", lambda s, x: s.c(x), dict(c=nn.ConvTranspose2d(8, 8, 3, 2, 1, 1))
    yield "deconv_groups", lambda s, x: s.c(x), dict(c=nn.ConvTranspose2d(8, 8, 4, 2, 1, groups=4, dilation=2))
    yield "deconv_1d", lambda s, x: s.c(x.flatten(2)), dict(c=nn.ConvTranspose1d(8, 4, 3, 2))
    yield "conv_1d", lambda s, x: s.c(x.flatten(2)), dict(c=nn.Conv1d(8, 4, 5, 2, 2, dilation=2, groups=4))
    yield "maxpool", lambda s, x: s.c(x), dict(c=nn.MaxPool2d(3, 2, 1, ceil_mode=True))
    yield "maxpool_dilated", lambda s, x: s.c(x), dict(c=nn.MaxPool2d(3, 1, 1, dilation=2))
    yield "avgpool", lambda s, x: s.c(x), dict(c=nn.AvgPool2d(3, 2, 1, count_include_pad=False))
    yield "avgpool_ceil", lambda s, x: s.c(x), dict(c=nn.AvgPool2d(3, 2, ceil_mode=True))
    yield "lppool", lambda s, x: s.c(x.abs()), dict(c=nn.LPPool2d(2, 3, 2))
    yield "adaptive_max", lambda s, x: F.adaptive_max_pool2d(x, (4, 2)), {}
    yield "adaptive_avg", lambda s, x: F.adaptive_avg_pool2d(x, (2, 8)), {}
    yield "pool_1d", lambda s, x: F.avg_pool1d(F.max_pool1d(x.flatten(2), 3), 2), {}
    for n, m in dict(
        leaky=nn.LeakyReLU(0.1), prelu=nn.PReLU(), prelu8=nn.PReLU(8, 0.3), elu=nn.ELU(0.7), selu=nn.SELU(), celu=nn.CELU(1.3),
        gelu=nn.GELU(), silu=nn.SiLU(), mish=nn.Mish(), hswish=nn.Hardswish(), hsigmoid=nn.Hardsigmoid(), softplus=nn.Softplus(),
        softsign=nn.Softsign(), tanhshrink=nn.Tanhshrink(), hardtanh=nn.Hardtanh(-0.5, 2), logsigmoid=nn.LogSigmoid(), glu=nn.GLU(1),
        softshrink=nn.Softshrink(0.2), hardshrink=nn.Hardshrink(0.3), threshold=nn.Threshold(0.1, 0.7), softmax2d=nn.Softmax2d(),
        logsoftmax=nn.LogSoftmax(1), group_norm=nn.GroupNorm(4, 8), one_group=nn.GroupNorm(1, 8), instance_norm=nn.InstanceNorm2d(8, affine=True),
        tracked_norm=nn.InstanceNorm2d(8, track_running_stats=True), layer_norm=nn.LayerNorm([8, 16, 16]), lrn=nn.LocalResponseNorm(3),
        dropout2d=nn.Dropout2d(0.3), batch_norm_plain=nn.BatchNorm2d(8, affine=False), upsample=nn.Upsample(scale_factor=3),
        bilinear=nn.UpsamplingBilinear2d(scale_factor=2), unflatten=nn.Unflatten(1, (2, 4)),
    ).items():
        yield n, lambda s, x: s.c(x), dict(c=m)
    for n, kw in dict(
        nearest=dict(scale_factor=2), nearest_17=dict(scale_factor=1.7), nearest_size=dict(size=(20, 11)), exact=dict(size=(32, 32), mode="nearest-exact"),
        linear=dict(scale_factor=2, mode="bilinear"), linear_half=dict(scale_factor=0.5, mode="bilinear"), linear_15=dict(scale_factor=1.5, mode="bilinear"),
        corners=dict(scale_factor=2, mode="bilinear", align_corners=True), corners_size=dict(size=(13, 21), mode="bilinear", align_corners=True),
        linear_size=dict(size=(9, 33), mode="bilinear", align_corners=False), cubic=dict(scale_factor=2, mode="bicubic"),
        cubic_corners=dict(size=(24, 24), mode="bicubic", align_corners=True), area=dict(size=(4, 4), mode="area"), area_up=dict(scale_factor=0.5, mode="area"),
        recomputed=dict(scale_factor=1.3, mode="bilinear", recompute_scale_factor=True),
    ).items():
        yield "resize_" + n, resized(**kw), {}
    yield "resize_like", lambda s, x: F.interpolate(s.c(x), size=x.shape[2:], mode="bilinear"), dict(c=nn.Conv2d(8, 8, 3, 2, 1))
    yield "resize_halved", lambda s, x: F.interpolate(x, size=(x.shape[2] // 2, x.shape[3] * 2)), {}
    yield "slices", lambda s, x: x[:, 1:7:2, 2:-2, ::3], {}
    yield "flip", lambda s, x: x.flip(3), {}
    yield "index", lambda s, x: x[:, [2, 0, 1]], {}
    yield "bgr", lambda s, x: x[:, torch.tensor([2, 1, 0])] * s.m, dict(m=nn.Parameter(torch.randn(1, 3, 1, 1)))
    yield "split", lambda s, x: sum(x.split([2, 3, 3], 1)[i].mean(1, keepdim=True) * (i + 1) for i in range(3)), {}
    yield "stack", lambda s, x: torch.stack([x, x * 2], 2).flatten(1, 2), {}
    yield "repeat", lambda s, x: x.repeat(1, 2, 1, 2), {}
    yield "interleave", lambda s, x: x.unsqueeze(2).expand(-1, -1, 3, -1, -1).reshape(x.size(0), -1, 16, 16), {}
    yield "permuted", lambda s, x: s.l(x.permute(0, 2, 3, 1)), dict(l=nn.Linear(8, 5))
    yield "tokens", lambda s, x: s.l(x.flatten(2).transpose(1, 2)), dict(l=nn.Linear(8, 5))
    yield "detect_head", lambda s, x: s.c(x).view(x.size(0), 3, 7, 16, 16).permute(0, 1, 3, 4, 2).reshape(x.size(0), -1, 7), dict(c=nn.Conv2d(8, 21, 1))
    yield "decoded_boxes", lambda s, x: torch.cat([(x[:, :2] * 2 - 0.5 + s.g) * 8, (x[:, 2:4].sigmoid() * 2) ** 2 * s.a, x[:, 4:].sigmoid()], 1), dict(
        g=nn.Parameter(torch.randn(1, 2, 16, 16)), a=nn.Parameter(torch.rand(1, 2, 1, 1)))
    yield "distribution", lambda s, x: s.c(x.view(x.size(0), 4, 2, 256).transpose(2, 1).softmax(1)).view(x.size(0), 4, 256), dict(c=nn.Conv2d(2, 1, 1, bias=False))
    yield "clamps", lambda s, x: x.clamp(-0.5, 0.7) + x.clamp(min=0.1) + x.clamp(max=0.2), {}
    yield "powers", lambda s, x: x ** 2 + (x.abs() + 1) ** 0.5 + x ** 3 - 1 / (x.abs() + 1), {}
    yield "elementwise", lambda s, x: torch.minimum(x.exp(), torch.maximum(x, x.sin())) / (1 + x.abs().sqrt()), {}
    yield "reductions", lambda s, x: torch.cat([x.amax((2, 3)), x.amin((2, 3)), x.sum((2, 3)), x.norm(dim=(2, 3)), x.logsumexp((2, 3))], 1), {}
    yield "variance", lambda s, x: torch.cat([x.var((2, 3), unbiased=False), x.std((2, 3), unbiased=False), x.std((2, 3))], 1), {}
    yield "by_hand_norm", lambda s, x: (x - x.mean(1, keepdim=True)) / torch.sqrt(((x - x.mean(1, keepdim=True)) ** 2).mean(1, keepdim=True) + 1e-6), {}
    yield "response_norm", lambda s, x: x * (s.g * x.norm(dim=(2, 3), keepdim=True) / (x.norm(dim=(2, 3), keepdim=True).mean(1, keepdim=True) + 1e-6)) + x, dict(
        g=nn.Parameter(torch.randn(1, 8, 1, 1)))
    yield "normalize", lambda s, x: F.normalize(x.flatten(1)) * 4, {}
    yield "cosine_head", lambda s, x: F.linear(F.normalize(x.mean((2, 3))), F.normalize(s.w)), dict(w=nn.Parameter(torch.randn(10, 8)))
    yield "generalised_mean", lambda s, x: F.avg_pool2d(x.clamp(min=1e-6).pow(3), (16, 16)).pow(1 / 3), {}
    yield "gram", lambda s, x: torch.bmm(x.flatten(2), x.flatten(2).transpose(1, 2)) / 256, {}
    yield "einsum", lambda s, x: torch.einsum("bchw,oc->bohw", x, s.w), dict(w=nn.Parameter(torch.randn(5, 8)))
    yield "where", lambda s, x: torch.where(x > 0, x, x * 0.3), {}
    yield "masked", lambda s, x: x * (x > 0.2).float(), {}
    yield "argmax", lambda s, x: x.argmax(1), {}
    yield "topk", lambda s, x: torch.topk(x.mean((2, 3)), 3), {}
    yield "cumsum", lambda s, x: x.cumsum(2), {}
    yield "two_outputs", lambda s, x: (x.mean((2, 3)), x.sigmoid()), {}
    yield "dictionary", lambda s, x: {"out": F.relu(x), "aux": x.mean(1)}, {}
    yield "batch_norm_1d", lambda s, x: s.b(s.l(x.mean((2, 3)))), dict(l=nn.Linear(8, 6), b=nn.BatchNorm1d(6))
    yield "shared", lambda s, x: s.c(s.c(x)) + s.c(x), dict(c=conv(8, 8))
    yield "unfold", lambda s, x: F.unfold(x, 2, stride=2), {}
    yield "dense", lambda s, x: s.l(x.flatten(1)), dict(l=nn.Linear(2048, 10))
    yield "weights_normed", lambda s, x: s.c(x), dict(c=nn.utils.weight_norm(nn.Conv2d(8, 8, 3, 1, 1)))
    yield "weights_standard", lambda s, x: F.conv2d(x, (s.w - s.w.mean((1, 2, 3), keepdim=True)) / (s.w.std((1, 2, 3), keepdim=True) + 1e-5), padding=1), dict(
        w=nn.Parameter(torch.randn(8, 8, 3, 3)))


def networks():
    for name, f, parts in functions():
        yield name, Fn(f, **parts)
    yield "classifier", Classifier()
    yield "classifier_hswish", Classifier(nn.Hardswish)
    yield "squeezed", Squeezed()
    yield "viewed", Viewed()
    yield "residual", Residual()
    yield "rep", Rep()
    yield "pyramid", Pyramid()
    yield "pyramid_linear", Pyramid("bilinear", False)
    yield "attention", Attention()
    yield "tile", Tile()
    yield "next_block", NextBlock()


SCRIPTED = ("classifier", "classifier_hswish", "squeezed", "viewed", "residual", "rep", "attention", "next_block")
MODES = torch.onnx.TrainingMode


def ways(name, i):
    """Three ways of a network: opset, batch, arguments of export, scripted."""
    opsets = [(9, 13, 17), (11, 14, 16), (10, 12, 15), (9, 11, 17)][i % 4]
    yield opsets[0], 1, dict(do_constant_folding=False), False
    yield opsets[1], 1, dict(dynamic_axes={"x": {0: "batch"}}, training=MODES.PRESERVE, do_constant_folding=False), False
    last = [dict(dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}}), dict(keep_initializers_as_inputs=True), {}, dict(training=MODES.PRESERVE)][i % 4]
    yield opsets[2], 1 + 2 * (i % 2), last, name in SCRIPTED
    if name in SCRIPTED:
        yield 11, 1, dict(dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}}), True
        yield 17, 1, dict(training=MODES.TRAINING, do_constant_folding=False), False


torch.manual_seed(1)
done = 0
for i, (name, m) in enumerate(networks()):
    for q in m.modules():
        if isinstance(q, nn.BatchNorm2d):
            q.running_mean.normal_(0, 0.2)
            q.running_var.uniform_(0.5, 2)
    for k, (opset, batch, kw, scripted) in enumerate(ways(name, i)):
        m.train(kw.get("training") == MODES.TRAINING)
        path = f"{sys.argv[1]}/{name}_{k}_opset{opset}.onnx"
        try:
            torch.onnx.export(torch.jit.script(m) if scripted else m, torch.randn(batch, 3, 32, 32), path, opset_version=opset,
                              input_names=["x"], **kw)
            done += 1
        except Exception as e:
            print(f"PyTorch does not export {name} in opset {opset}: {str(e).splitlines()[0][:100]}")
print(done, "models")
