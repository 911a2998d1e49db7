// Package training measures the accuracy of networks by training them: with a command of the user's, which an
// evaluator recipe describes.
//
// A recipe trains by rungs, each a number of epochs. For a rung it starts its command in the trial's own folder. That
// holds the network as net.py, net.safetensors (weights drawn at random), net.onnx, net.json and arch.json. The
// accuracy is read from what the command prints. The folder stays as the command left it until the next rung, so a
// checkpoint there is found again.
//
// Which networks go on to the next rung is not decided here; see package nas/internal/rungs.
package training
