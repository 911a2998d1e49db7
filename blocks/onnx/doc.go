// Package onnx writes networks as ONNX models and reads convolutional networks
// from ONNX models that others wrote.
//
// Only the wire format of protocol buffers is used, with the field numbers of
// onnx.proto3 (https://github.com/onnx/onnx, Apache-2.0), IR versions 6 to 10.
//
// Models are N x C x H x W, networks here H x W x C: weights, and the columns
// of linear layers that read a map, are permuted on the way.
package onnx
