// Package resolve finds the network that a person means: of the zoo, in a file,
// of a run, or written out.
package resolve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/zoo"
	"nas/internal/netfile"
	"nas/internal/runstore"
	"nas/search"
	"nas/space"
)

// Network is a network with what is known of its origin.
type Network struct {
	*blocks.Network
	Weights *blocks.Weights // nil where the origin holds none
	Arch    string          // the arch string, "" for networks of the zoo and of files
	Origin  string          // for people: "zoo", a file's name, "trial 17 of results/mobile", "arch string"
}

// Forms lists what Find understands, for help texts.
const Forms = "mobilenet_v2@width=0.75, a .toml, .json or .onnx file, results/mobile:17 (a trial's id or arch_id), or a quoted arch string"

// Find resolves a text to a network. The forms, in the order in which they are
// tried:
//
//	"224x224x3 | conv_k3 ..."   an arch string: anything with a bar in it
//	net.json, net.toml ...      a file of a format that package netfile reads
//	results/mobile:17           a trial of a run, by id or by arch_id
//	mobilenet_v2@width=0.75     a network of the zoo
//
// An error says which of them was meant, and what would be right.
func Find(text string) (*Network, error) {
	switch dir, trial, isTrial := cutTrial(text); {
	case text == "":
		return nil, errors.New("no network given: want " + Forms)
	case strings.Contains(text, "|"):
		return fromArch(text, "arch string")
	case netfile.IsFile(text):
		n, w, err := netfile.Read(text)
		if err != nil {
			return nil, err
		}
		return &Network{Network: n, Weights: w, Origin: text}, nil
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
		return nil, fmt.Errorf("%s: want a file that ends in .%s", text, strings.Join(netfile.Readable(), ", ."))
	}
	n, err := zoo.Get(text)
	if err != nil {
		if strings.ContainsAny(text, `/\`) {
			return nil, fmt.Errorf("%s: there is no such file or run", text)
		}
		return nil, err
	}
	return &Network{Network: n, Origin: "zoo"}, nil
}

// cutTrial splits DIR:TRIAL. A colon inside a name of the zoo does not occur, and
// one behind a drive letter is no split.
func cutTrial(text string) (dir, trial string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 2 || strings.ContainsAny(text[i:], `/\`) {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

func fromArch(text, origin string) (*Network, error) {
	a, err := space.Parse(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	n, err := a.Network()
	if err != nil {
		return nil, err
	}
	n.Meta = map[string]string{"arch": a.String(), "arch_id": a.ID()}
	return &Network{Network: n, Arch: a.String(), Origin: origin}, nil
}

// describe notes what the run found out about a trial; its files carry that.
func describe(n *Network, dir string, t *search.Trial) {
	const latency = "latency_ms"
	n.Meta["trial"] = strconv.Itoa(t.ID)
	ms, ok := t.Objectives[latency]
	if !ok {
		ms, ok = t.Parts[latency]
	}
	m, err := runstore.ReadManifest(dir)
	if err != nil { // a note that is missing is no reason to fail
		return
	}
	if m.Name != "" {
		n.Name = fmt.Sprintf("%s_%d", m.Name, t.ID) // as in the run's own exports
	}
	if !ok {
		return
	}
	n.Meta["latency_device"] = m.Device
	n.Meta["predicted_latency_ms"] = fmt.Sprintf("%.4g", ms)
	if low, high := t.Parts[latency+"_low"], t.Parts[latency+"_high"]; high > 0 {
		n.Meta["predicted_latency_ms"] += fmt.Sprintf(" (90 %%: %.4g to %.4g)", low, high)
	}
}

// fromRun looks for a trial by id or by arch_id. An arch_id may be all digits;
// with its full length it is taken for one.
func fromRun(dir, trial string) (*Network, error) {
	if !runstore.Holds(dir) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s:%s: there is no directory %s", dir, trial, dir)
		}
		return nil, fmt.Errorf("%s:%s: %s holds no run", dir, trial, dir)
	}
	const archID = 12 // digits
	id, err := strconv.Atoi(trial)
	byID := err == nil && len(trial) < archID
	if !byID && !isHex(trial, archID) {
		return nil, fmt.Errorf("%s:%s: want a trial's number or its arch_id, %d hexadecimal digits", dir, trial, archID)
	}
	last := -1
	for t, err := range runstore.ReadTrials(dir) {
		if err != nil {
			return nil, err
		}
		last = t.ID
		if byID && t.ID == id || !byID && t.ArchID == trial {
			n, err := fromArch(t.Arch, fmt.Sprintf("trial %d of %s", t.ID, dir))
			if err == nil {
				describe(n, dir, &t)
			}
			return n, err
		}
	}
	return nil, fmt.Errorf("%s holds no trial %s: it has 0 to %d", dir, trial, last)
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}

// WeightsFor returns the weights that came with the network, or weights drawn
// from a seed whose batch normalisation fits them.
func (n *Network) WeightsFor(seed uint64) (*blocks.Weights, error) {
	if n.Weights != nil {
		return n.Weights, nil
	}
	w := blocks.NewWeights(n.Network, seed)
	if err := engine.CalibrateBN(n.Network, w, seed); err != nil {
		return nil, err
	}
	return w, nil
}
