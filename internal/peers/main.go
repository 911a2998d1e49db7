// Peers times networks with this program's engine and with other runtimes, on the same files and the same input:
//
//	go run ./internal/peers -tools .tools/peers           from the top of the module
//
// The others are ONNX Runtime 1.30 on ONNX files and TensorFlow Lite 2.9 with XNNPACK on .tflite files, both
// float32 and one image at a time. Each runtime is a process of its own that stays. They take turns, so that what
// else runs on the machine meets all of them. Their outputs are compared. The result is a table in Markdown.
//
// npm installs what is missing into the folder -tools. A runtime that cannot be had is left out, and the program
// says so.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"nas/internal/fault"
)

// settings are the command line.
type settings struct {
	tools    string // folder whose node_modules has the runtimes
	networks []string
	threads  []int
	rounds   int
	runs     int     // in a turn
	turnMs   float64 // a turn has fewer runs where they would take longer
}

func main() {
	var s settings
	var networks, threads, serve string
	flag.StringVar(&s.tools, "tools", ".tools/peers", "folder into which npm installs the runtimes")
	flag.StringVar(&networks, "networks", "mobilenet_v1,mobilenet_v2,mobilenet_v3_large,mobilenet_v3_small,"+
		"efficientnet_b0,efficientnet_lite0,inception_v3", "names of the zoo")
	flag.StringVar(&threads, "threads", "1,2", "numbers of threads")
	flag.IntVar(&s.rounds, "rounds", 5, "turns of each runtime")
	flag.IntVar(&s.runs, "runs", 40, "runs in a turn")
	flag.Float64Var(&s.turnMs, "turn", 1500, "milliseconds that a turn may take, where they allow 5 runs")
	flag.StringVar(&serve, "serve", "", "MODEL INPUT THREADS: be the process of this program's engine")
	flag.Parse()
	err := func() error {
		if serve != "" {
			return serveEngine(serve, flag.Args(), os.Stdin, os.Stdout)
		}
		s.networks = strings.Split(networks, ",")
		for _, t := range strings.Split(threads, ",") {
			var n int
			if _, err := fmt.Sscan(t, &n); err != nil || n < 1 {
				return fault.Errorf("peers: -threads %s: want numbers from 1 on, with commas between them", threads)
			}
			s.threads = append(s.threads, n)
		}
		if s.rounds < 1 || s.runs < 1 || s.turnMs <= 0 {
			return fault.New("peers: -rounds, -runs and -turn must be positive")
		}
		return s.compare(os.Stdout)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
