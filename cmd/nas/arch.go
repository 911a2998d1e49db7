package main

import (
	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/internal/netfile"
	"nas/internal/resolve"
)

const archForms = resolve.Forms

// oneArch is the check of commands that take one ARCH.
func oneArch(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("want one network, got %d arguments: ARCH is %s", len(args), archForms)
	}
	return nil
}

// find resolves an ARCH; what it does not find is the user's mistake.
func find(text string) (*resolve.Network, error) {
	n, err := resolve.Find(text)
	return n, usage(err)
}

// weightsHelp is the help of --weights.
const weightsHelp = "a .safetensors or .npz `FILE` with the state dict of the network's PyTorch module"

// weightsOf returns the weights in a file; without one, the network's own or
// drawn ones.
func weightsOf(n *resolve.Network, file string, seed uint64) (*blocks.Weights, error) {
	if file == "" {
		return n.WeightsFor(seed)
	}
	w, err := netfile.ReadWeights(file, n.Network)
	return w, usage(err)
}
