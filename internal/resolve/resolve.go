// Package resolve finds the network that a person means: of the zoo, in a file,
// of a run, or written out.
package resolve

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/internal/netfile"
	"nas/internal/runstore"
	"nas/space"
)

// Network is a network and where it comes from.
type Network struct {
	*blocks.Network
	Weights *blocks.Weights // nil where the origin holds none, or before WeightsFor has read them from File
	Arch    string          // the arch string, "" for networks of the zoo and of files
	Origin  string          // for people: "zoo", a file's name, "trial 17 of results/mobile", "arch string"
	Title   string          // in tables: of a file its file name, else the network's name
	// WeightsFile holds the weights that a run left of the trial; "" for none.
	WeightsFile string
	Run         string // the directory of the run that it is a trial of; "" for other origins
	// File is what the file of another program says besides; nil for other origins.
	File *netfile.Network
}

// Forms lists what Find understands, for help texts.
const Forms = "mobilenet_v2@width=0.75, a .toml, .json, .onnx or .tflite file, " +
	"results/mobile:17 (a trial's id or arch_id), " +
	"or a quoted arch string"

// Find resolves a text to a network. The forms, in the order in which they are
// tried:
//
//	"224x224x3 | conv_k3 ..."   an arch string: anything with a bar in it
//	net.json, net.onnx ...      a file of a format that package netfile reads
//	net.onnx@res=224            an ONNX file whose height and width are open
//	results/mobile:17           a trial of a run, by id or by arch_id
//	results/mobile:17@classes=9 the same with another number of classes
//	mobilenet_v2@width=0.75     a network of the zoo
//
// An error says which of them was meant, and what would be right.
//
// o says how a file is read; what the text says itself comes first.
func Find(text string, o netfile.Options) (*Network, error) {
	n, err := find(text, o)
	if err == nil && n.Title == "" {
		n.Title = n.Name
	}
	return n, err
}

func find(text string, o netfile.Options) (*Network, error) {
	switch dir, trial, isTrial := cutTrial(text); {
	case text == "":
		return nil, errors.New("no network given: want " + Forms)
	case strings.Contains(text, "|"):
		return fromArch(text)
	case isFile(text):
		return fromFile(text, o)
	case isTrial:
		return fromRun(dir, trial)
	}
	if runstore.Holds(text) {
		return nil, fmt.Errorf("%s is a run: name one of its trials, such as %s:0", text, strings.TrimSuffix(text, "/"))
	}
	if info, err := os.Stat(text); err == nil {
		if info.IsDir() {
			return nil, fmt.Errorf("%s is a directory that holds no run", text)
		}
		return nil, errUnreadable(text)
	}
	n, err := zoo.Get(text)
	if err != nil {
		switch path, _, _ := strings.Cut(text, "@"); {
		case ending.MatchString(path):
			return nil, errUnreadable(path)
		case strings.ContainsAny(text, `/\`):
			return nil, fmt.Errorf("%s: there is no such file or run", text)
		}
		return nil, err
	}
	return &Network{Network: n, Origin: "zoo"}, nil
}

// ending matches what ends as the name of a file does. Names of the zoo do not.
var ending = regexp.MustCompile(`\.[A-Za-z][A-Za-z0-9]*$`)

// converters say how files of other programs become ONNX.
var converters = map[string]string{
	"pb": "tf2onnx", "h5": "tf2onnx", "keras": "tf2onnx", "savedmodel": "tf2onnx",
	"pt": "torch.onnx.export", "pth": "torch.onnx.export", "ckpt": "torch.onnx.export",
}

// errUnreadable says what would be read instead of a file with another ending, whether it is there or not.
func errUnreadable(path string) error {
	what, cure := "is a file that nas does not read", ""
	if _, err := os.Stat(path); err != nil {
		what = "is the name of a file that is not there, and that nas would not read"
	}
	if c := converters[strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))]; c != "" {
		cure = "; " + c + " makes ONNX of it"
	}
	return fmt.Errorf("%s %s: want one that ends in .%s%s", path, what, strings.Join(netfile.Readable(), ", ."), cure)
}

// isFile tells whether a text names a network file, perhaps with options.
func isFile(text string) bool {
	path, _, err := netfile.Cut(text)
	return err != nil || netfile.IsFile(path)
}

func fromFile(text string, o netfile.Options) (*Network, error) {
	path, own, err := netfile.Cut(text)
	if err != nil {
		return nil, err
	}
	if own.Shape != nil || own.H != 0 {
		o.Shape, o.H, o.W = own.Shape, own.H, own.W
	}
	if own.Outputs != nil {
		o.Outputs = own.Outputs
	}
	n, err := netfile.Read(path, o)
	if err != nil {
		return nil, err
	}
	r := &Network{Network: n.Network, Origin: text, Title: filepath.Base(text)}
	if slices.Contains(exporterNames, n.Name) {
		r.Name = strings.TrimSuffix(r.Title, filepath.Ext(path))
	}
	if n.Input != nil {
		r.File = n
	}
	return r, nil
}

// exporterNames are what exporters call every network: PyTorch, its later exporter, tf2onnx, TensorFlow Lite's
// converter. Such a network is called after its file.
var exporterNames = []string{"", "torch_jit", "torch-jit-export", "main_graph", "tf2onnx", "MLIR Converted."}

// fromArch reads an arch string, which a person may have broken into lines.
func fromArch(text string) (*Network, error) {
	words := strings.Fields(strings.ReplaceAll(text, "|", " | "))
	a, err := space.Parse(strings.Join(words, " "))
	if err != nil {
		return nil, err
	}
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	n.Meta = map[string]string{"arch": a.String(), "arch_id": a.ID()}
	return &Network{Network: n, Arch: a.String(), Origin: "arch string"}, nil
}

// ArchOf describes the network that a text of the forms of [Find] names as an arch.
func ArchOf(text string) (space.Arch, error) {
	n, err := Find(text, netfile.Options{})
	if err != nil {
		return space.Arch{}, err
	}
	if n.Arch != "" {
		return space.Parse(n.Arch)
	}
	return space.FromNetwork(n.Network)
}

// NetworkOf builds the network that a text of the forms of [Find] names.
func NetworkOf(text string) (*blocks.Network, error) {
	n, err := Find(text, netfile.Options{})
	if err != nil {
		return nil, err
	}
	return n.Network, nil
}

// WeightsFor returns the weights that came with the network, or weights drawn
// from a seed whose batch normalisation fits them.
func (n *Network) WeightsFor(seed uint64) (*blocks.Weights, error) {
	if n.Weights != nil {
		return n.Weights, nil
	}
	if n.File != nil {
		return n.File.Weights()
	}
	if n.WeightsFile != "" {
		w, _, err := netfile.ReadWeights(n.WeightsFile, n.Network)
		return w, err
	}
	w := blocks.NewWeights(n.Network, seed)
	if err := engine.CalibrateBN(n.Network, w, seed); err != nil {
		return nil, err
	}
	return w, nil
}
