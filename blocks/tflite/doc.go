// Package tflite writes networks as .tflite files, which TensorFlow Lite, LiteRT and TensorFlow Lite
// Micro run.
//
// [Lower] turns a [blocks.Network] into a [Model], the operators and tensors of such a file, and
// [Encode] turns a model into the bytes of the file. What the format knows of each operator is one
// row of a table in schema.go.
//
// Activations are N x H x W x C with N = 1, as in package blocks; what a linear layer returns is N x C.
//
// The format is schema.fbs of tensorflow/tflite-micro (tensorflow/compiler/mlir/lite/schema). Versions of
// operators are none that TensorFlow Lite 2.9 (2022) does not know.
package tflite
