// Package train trains a network by gradient descent, on the processor that it runs on.
//
// A [Trainer] is for classifiers of images of up to about 96 pixels and a million parameters. It takes the forward pass
// and the gradients from package kernels, layer by layer, in whatever order the network's graph has.
//
// # The same bits
//
// A batch is cut into [Shards] parts, whatever the number of workers. A part is summed image by image, and what the
// parts sum to, of gradients and of batch statistics, is added in their order. What is drawn at random comes from the
// seed, the epoch and the place of an image in it. The weights are therefore the same bits for any number of workers,
// and so are those of a training that was interrupted after any epoch and goes on from its checkpoint.
//
// # Memory
//
// A step is cut into phases, at each batch normalisation, which must see the whole batch. Within a phase a few images
// go through all its layers before the next few, so that maps stay in the second-level cache. A map that only one phase
// needs is not kept for the whole batch, and the output of a batch normalisation is computed again where its gradient
// is found. The maps and gradients that are kept share one slab; two of them overlap if no phase needs both.
package train
