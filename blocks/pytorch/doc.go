// Package pytorch writes networks as PyTorch modules that a person can read,
// and moves their weights in and out of .safetensors and .npz files.
//
// The module is one Python file that imports torch and nothing else outside
// Python's own library: small classes for the blocks that repeat, a network
// that reads from top to bottom, and functions that load the weights. Blocks
// of the literature (inverted residuals, bottlenecks ...) become their class;
// others that occur several times become a class made of what they have in
// common, with what differs as arguments; the rest is straight-line code.
//
// Tensors in weight files have the names and layouts of the module's state
// dict: convolutions [out, in/groups, height, width], linear layers [out, in]
// with the inputs of a map in channel, height, width order. Networks here are
// H x W x C, so weights are permuted on the way.
package pytorch
