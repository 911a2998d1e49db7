// Package benchmark has tables of networks that somebody trained, with the accuracy
// that they were trained to. data/README.md says where the tables come from.
//
// Each built-in table stands in a file of its own. [Read] reads one of the user's.
package benchmark
