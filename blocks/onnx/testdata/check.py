# Runs onnx.checker with shape inference over the models named as arguments.
import sys
import onnx
from onnx import checker, shape_inference

for path in sys.argv[1:]:
    model = onnx.load(path)
    checker.check_model(model, full_check=True)
    shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
print(onnx.__version__)
