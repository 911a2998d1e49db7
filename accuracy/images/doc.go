// Package images reads sets of labelled images for training: the IDX files of MNIST and its like, the binary files of
// CIFAR-10 and CIFAR-100, and folders of PNG and JPEG files that are named as the classes.
//
// [Open] reads the images to train on and those to judge by on the way. Where a set has no validation images of its
// own, a fifth of those to train on is held out, always the same. Test images are read by [OpenTest] and by nothing
// else.
package images
