# Exports torchvision's networks, untrained but with settled moving statistics, as
# ONNX models for TestModelsAgree: python3 export.py FOLDER
# Each once with batch normalisation folded and once kept, with a named batch.
import os, sys, torch, torchvision, warnings
warnings.filterwarnings("ignore")
os.makedirs(sys.argv[1], exist_ok=True)
M = torchvision.models
S = M.segmentation
torch.manual_seed(1)
specs = [
 ("alexnet", lambda: M.alexnet(), 224, 11),
 ("mobilenet_v2", lambda: M.mobilenet_v2(), 96, 11),
 ("mobilenet_v3_large", lambda: M.mobilenet_v3_large(), 96, 13),
 ("mobilenet_v3_small", lambda: M.mobilenet_v3_small(), 96, 17),
 ("efficientnet_b0", lambda: M.efficientnet_b0(), 96, 15),
 ("inception_v3", lambda: M.inception_v3(transform_input=True, init_weights=False, aux_logits=False), 107, 12),
 ("mnasnet1_0", lambda: M.mnasnet1_0(), 96, 11),
 ("shufflenet_v2_x1_0", lambda: M.shufflenet_v2_x1_0(), 96, 13),
 ("resnet50", lambda: M.resnet50(), 64, 16),
 ("squeezenet1_1", lambda: M.squeezenet1_1(), 97, 11),
 ("googlenet", lambda: M.googlenet(transform_input=True, init_weights=False, aux_logits=False), 96, 14),
 ("deeplabv3_mobilenet_v3_large", lambda: S.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None), 97, 11),
 ("lraspp_mobilenet_v3_large", lambda: S.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None), 97, 17),
]
class First(torch.nn.Module):
    def __init__(s, m): super().__init__(); s.m = m
    def forward(s, x):
        y = s.m(x)
        return y["out"] if isinstance(y, dict) else y
for name, make, res, opset in specs:
    for keep in (False, True):
        m = make()
        # settle moving statistics
        for q in m.modules():
            if isinstance(q, torch.nn.BatchNorm2d): q.momentum = 0.5
        m.train()
        with torch.no_grad():
            for _ in range(3): m(torch.randn(4, 3, max(res, 96), max(res, 96)))
            for q in m.modules():
                if isinstance(q, torch.nn.BatchNorm2d): q.running_var.clamp_(min=0.05*float(q.running_var.mean())+1e-3)
        m.eval()
        f = f"{sys.argv[1]}/{name}_{'bn' if keep else 'folded'}.onnx"
        torch.onnx.export(First(m), torch.randn(1, 3, res, res), f, opset_version=opset,
            training=torch.onnx.TrainingMode.PRESERVE if keep else torch.onnx.TrainingMode.EVAL,
            do_constant_folding=not keep, dynamic_axes={"x": {0: "batch"}} if keep else None, input_names=["x"])
        print(f, flush=True)
