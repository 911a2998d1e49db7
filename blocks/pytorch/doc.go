// Package pytorch writes networks as readable PyTorch modules, and reads and writes their weights
// as .safetensors and .npz files.
//
// The module is one Python file that imports nothing but torch and the standard library. It holds
// small classes for the blocks that repeat, a network whose forward function reads from top to
// bottom, and functions that load the weights. Blocks of the literature (inverted residuals,
// bottlenecks ...) become a class of their own. Other blocks that occur several times share a
// class; the numbers in which they differ become its arguments. The rest is straight-line code.
//
// Tensors in weight files have the names and layouts of the module's state dict: convolutions
// [out, in/groups, height, width], linear layers [out, in] with the inputs of a map in channel,
// height, width order. Networks of package blocks are H x W x C, so weights are permuted when they
// are written or read.
package pytorch
