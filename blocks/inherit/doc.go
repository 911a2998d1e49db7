// Package inherit gives a network the trained weights of another one near it, so that its training begins where that of
// the other ended.
//
// [Weights] finds for each layer of the child the layer of the parent that stands in its place: that of the same name
// in the same block of the same stage. A block more than the parent's stage has takes the weights of its last block,
// and begins as if it were not there where a shortcut leads around it.
//
// Kernels are cut or padded with zeros around their centre. Where the child has fewer channels it takes those that
// matter most, by the norms of the weights that read them and of the scales of batch normalisation. Channels that the
// child has more are drawn at random, and all that reads them begins at zero (Chen, Goodfellow and Shlens, Net2Net,
// ICLR 2016, copy channels instead, which then stay alike). A child with more channels, larger kernels or more residual
// blocks than its parent therefore computes what the parent computes. After other changes the statistics of batch
// normalisation are to be taken anew.
package inherit
