package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"nas/internal/fault"
)

// A peer is a runtime that is compared.
type peer struct {
	name    string
	pkg     string // of npm, "" for this program's engine
	version string
	format  string // of its model files
	nchw    bool   // its input and output have the channels outermost
	// prepare returns the head of the command that serves: behind it stand MODEL INPUT THREADS.
	prepare func(s *settings, dir string) ([]string, error)
}

//go:embed drivers/onnxruntime.js
var onnxRuntimeDriver []byte

//go:embed drivers/tflite.c
var tfliteDriver []byte

var onnxRuntime = &peer{name: "ONNX Runtime", pkg: "onnxruntime-node", version: "1.30.0", format: "onnx", nchw: true,
	prepare: func(s *settings, dir string) ([]string, error) {
		path := filepath.Join(dir, "onnxruntime.js")
		return []string{"node", path, s.tools}, os.WriteFile(path, onnxRuntimeDriver, 0o600)
	}}

var tensorFlowLite = &peer{name: "TFLite", pkg: "tfjs-tflite-node", version: "0.0.2", format: "tflite",
	prepare: func(s *settings, dir string) ([]string, error) {
		source, program := filepath.Join(dir, "tflite.c"), filepath.Join(dir, "tflite")
		if err := os.WriteFile(source, tfliteDriver, 0o600); err != nil {
			return nil, err
		}
		deps := filepath.Join(s.tools, "node_modules", "tfjs-tflite-node", "cc_deps")
		lib := filepath.Join(deps, runtime.GOOS+"_"+runtime.GOARCH)
		out, err := exec.Command("cc", "-O1", "-I"+filepath.Join(deps, "include"), source,
			filepath.Join(lib, "libtensorflowlite_c.so"), "-Wl,-rpath,"+lib, "-o", program).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("cc: %w\n%s", err, out)
		}
		return []string{program}, nil
	}}

// engineOn is this program's engine on the files of another runtime.
func engineOn(p *peer) *peer {
	return &peer{name: "nas", format: p.format, nchw: false, prepare: func(*settings, string) ([]string, error) {
		self, err := os.Executable()
		return []string{self, "-serve"}, err
	}}
}

// install makes sure that a peer's package is there.
func (s *settings) install(p *peer) error {
	if _, err := os.Stat(filepath.Join(s.tools, "node_modules", p.pkg)); err == nil {
		return nil
	}
	if err := os.MkdirAll(s.tools, 0o755); err != nil {
		return err
	}
	args := []string{"install", "--no-save", "--no-audit", "--no-fund", p.pkg + "@" + p.version}
	if p == tensorFlowLite {
		args = append(args, "--ignore-scripts") // which would build a module that is not used
	}
	fmt.Fprintf(os.Stderr, "peers: npm %v in %s\n", args, s.tools)
	cmd := exec.Command("npm", args...)
	cmd.Dir = s.tools
	if out, err := cmd.CombinedOutput(); err != nil {
		return fault.Errorf("peers: npm install %s: %w\n%s", p.pkg, err, out)
	}
	return nil
}

// start begins the process of a peer for a model.
func (p *peer) start(command []string, model, input string, threads int) (*server, error) {
	args := append(append([]string{}, command[1:]...), model, input, strconv.Itoa(threads))
	return startServer(p.name, exec.Command(command[0], args...))
}
