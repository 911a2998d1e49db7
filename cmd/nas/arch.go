package main

import (
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks"
	"nas/blocks/inherit"
	"nas/internal/netfile"
	"nas/internal/resolve"
	"nas/latency/timing"
)

const archForms = resolve.Forms

// oneArch is the check of commands that take one ARCH.
func oneArch(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("want one network, got %d arguments: ARCH is %s", len(args), archForms)
	}
	return nil
}

// find resolves an ARCH. Its errors are mistakes of usage.
func find(text string) (*resolve.Network, error) {
	n, err := resolve.Find(text, netfile.Options{})
	return n, usage(err)
}

// fileOptions are the flags of commands that take an ARCH from another program.
type fileOptions struct {
	shape   string   // of --input-shape
	outputs []string // of --output-name
	input   []int    // dims of the array that the network is to read; nil: there is none
}

// fileFlags gives a command the flags that say how an ONNX file is read.
func (a *app) fileFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.file.shape, "input-shape", "", "all `DIMS` of an ONNX file's input, such as 1,3,224,224, "+
		"where the file leaves them open")
	cmd.Flags().StringArrayVar(&a.file.outputs, "output-name", nil, "keep only the output `NAME` of an ONNX file; "+
		"may be repeated")
}

// find resolves the ARCH of a command with the flags of fileFlags, and says what was
// understood otherwise than the file has it.
func (a *app) find(text string) (*resolve.Network, error) {
	o := netfile.Options{Outputs: a.file.outputs, Open: a.file.input}
	if a.file.shape != "" {
		d, err := netfile.Dims(a.file.shape)
		if err != nil {
			return nil, usagef("--input-shape: %w", err)
		}
		o.Shape = d
	}
	n, err := resolve.Find(text, o)
	if err != nil {
		return nil, usage(err)
	}
	if n.File == nil && (o.Shape != nil || o.Outputs != nil) {
		return nil, usagef("--input-shape and --output-name are for ONNX files, %s is none", n.Title)
	}
	if n.File != nil && !a.quiet {
		for _, note := range n.File.Notes {
			a.notef("note: %s\n", note)
		}
	}
	return n, nil
}

// ofIntegers reports whether a network comes from a file that computes with integers.
func ofIntegers(n *resolve.Network) bool { return n.File != nil && n.File.Quantised != nil }

// asFloats is the warning that a time of a device is not that of the file, which computes with integers of 8 bits;
// empty for a network whose time it is.
func asFloats(n *resolve.Network, d timing.Device) []string {
	if !ofIntegers(n) || d.DType == "int8" {
		return nil
	}
	return []string{n.Title + " computes with 8-bit integers: the time is that of its network in float32"}
}

// inFloats returns the network without the rounding that a file of integers does after each layer: what is timed in
// float32.
func inFloats(n *resolve.Network) (*blocks.Network, error) {
	if !ofIntegers(n) {
		return n.Network, nil
	}
	out, at := &blocks.Network{Name: n.Network.Name, Meta: n.Meta}, make([]int, len(n.Nodes))
	for i, nd := range n.Nodes {
		if _, ok := nd.Op.(*blocks.FakeQuant); ok && len(nd.Inputs) == 1 {
			at[i] = at[nd.Inputs[0]]
			continue
		}
		at[i] = len(out.Nodes)
		nd.Inputs, nd.Shared = moved(nd.Inputs, at), moved(nd.Shared, at)
		out.Nodes = append(out.Nodes, nd)
	}
	out.Outputs = moved(n.Outputs, at)
	return out, out.Infer()
}

// moved returns the new places of nodes; nil stays nil.
func moved(nodes, at []int) []int {
	if nodes == nil {
		return nil
	}
	to := make([]int, len(nodes))
	for k, i := range nodes {
		to[k] = at[i]
	}
	return to
}

// weightsHelp is the help of --weights.
const weightsHelp = "a .safetensors or .npz `FILE` with the state dict of the network's PyTorch module"

// weightsOf returns the weights in a file; without one, the network's own or
// drawn ones.
func (a *app) weightsOf(n *resolve.Network, file string, seed uint64) (*blocks.Weights, error) {
	if file == "" {
		return n.WeightsFor(seed)
	}
	w, wrapper, err := netfile.ReadWeights(file, n.Network)
	if wrapper != "" && !a.quiet {
		a.notef("note: the names in %s begin with %s, which was taken off\n", file, wrapper)
	}
	return w, usage(err)
}

// inheritFlags name the network whose weights another one begins with.
type inheritFlags struct {
	from, weights string // an ARCH, and the file of its weights; "" where it has its own
	data          string // the folder of images that batch normalisation is fitted to; "" for none
}

func (f *inheritFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.from, "inherit", "", "begin with the weights of another network, `ARCH`, such as "+
		"results/fashion-mnist:12")
	cmd.Flags().StringVar(&f.weights, "inherit-weights", "", "the `FILE` of the weights of --inherit "+
		"(default: those that its run kept, or of its .onnx or .tflite file)")
}

// hasWeights tells whether a network comes with weights.
func hasWeights(n *resolve.Network) bool {
	return n.Weights != nil || n.File != nil || n.WeightsFile != ""
}

// inherited returns the weights that a network begins with: those of its parent as far as there is a place for them;
// without one, what weightsOf returns.
func (a *app) inherited(n *resolve.Network, f inheritFlags, file string, seed uint64) (*blocks.Weights, error) {
	switch {
	case f.from == "" && f.weights+f.data != "":
		return nil, usagef("--inherit-weights and --data go with --inherit, which names the other network")
	case f.from == "":
		return a.weightsOf(n, file, seed)
	case file != "":
		return nil, usagef("--weights and --inherit: want one of them")
	}
	parent, err := find(f.from)
	if err != nil {
		return nil, err
	}
	if f.weights == "" && !hasWeights(parent) {
		return nil, usagef("--inherit %s: it has no trained weights here: name a trial whose weights its run kept, or an "+
			".onnx or .tflite file, or give the file of its weights by --inherit-weights", f.from)
	}
	from, err := a.weightsOf(parent, f.weights, seed)
	if err != nil {
		return nil, err
	}
	w, report, err := inherit.Weights(n.Network, parent.Network, from, seed)
	if err != nil {
		return nil, usage(err)
	}
	if !a.quiet {
		a.notef("%s inherits %.1f %% of its values from %s%s%s\n", n.Title,
			100*float64(report.Inherited)/float64(report.Values), parent.Title, listed("; drawn anew: ", report.Drawn),
			listed("; without a place here: ", report.Left))
	}
	if f.data == "" {
		return w, nil
	}
	return settled(n.Network, w, f.data)
}

// listed are the first names of a list, behind a text; "" for an empty list.
func listed(text string, names []string) string {
	const most = 6
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		names = append(names[:most:most], "...")
	}
	return text + strings.Join(names, ", ")
}
