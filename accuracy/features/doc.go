// Package features reads from a network what the fitted accuracy estimate knows of
// it: the width, depth, kernel size and share of squeeze-and-excite of seven parts of
// the network, its resolution, counts and activations, and what no network of the
// estimate's data has.
//
// A search reads each block once ([OfBlocks]) and joins what it read ([Join]). The
// result equals that of the whole network ([Of]) to the bit.
package features
