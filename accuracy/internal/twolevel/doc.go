// Package twolevel is the model behind the ImageNet estimate as it is stored and evaluated: a Gaussian process on the
// shape of a network, and a linear model of the process, the resolution and what else the counts say. Package imagenet
// describes the model and makes estimates of it, package fit fits it.
package twolevel
