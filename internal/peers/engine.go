package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"nas/blocks/engine"
	"nas/blocks/kernels"
	"nas/internal/fault"
	"nas/internal/netfile"
)

// serveEngine is a server of this program's engine; args are INPUT THREADS.
func serveEngine(model string, args []string, from io.Reader, to io.Writer) error {
	if len(args) != 2 {
		return fault.New("peers: want -serve MODEL INPUT THREADS")
	}
	threads, err := strconv.Atoi(args[1])
	if err != nil {
		return fault.Errorf("peers: %s is no number of threads", args[1])
	}
	n, err := netfile.Read(model, netfile.Options{})
	if err != nil {
		return err
	}
	w, err := n.Weights()
	if err != nil {
		return err
	}
	plan, err := engine.Compile(n.Network, engine.Host(threads), engine.Options{})
	if err != nil {
		return err
	}
	if err := plan.Bind(w); err != nil {
		return err
	}
	in, err := readFloats(args[0])
	if err != nil {
		return err
	}
	out := make([]float32, plan.OutLen())
	fmt.Fprintln(to, "ready")
	for lines := bufio.NewScanner(from); lines.Scan(); {
		words := strings.Fields(lines.Text())
		answer := "done"
		switch {
		case len(words) == 2 && words[0] == "run":
			runs, _ := strconv.Atoi(words[1])
			times := make([]string, runs)
			for i := range times {
				cpu, wall := cpuTime(), time.Now()
				if err := plan.Run(out, in); err != nil {
					return err
				}
				took := time.Since(wall)
				if cpu = cpuTime() - cpu; threads == 1 && cpu > 0 {
					took = min(took, cpu)
				}
				times[i] = fmt.Sprintf("%.4f", float64(took)/1e6)
			}
			answer = strings.Join(times, " ")
		case len(words) == 2 && words[0] == "output":
			if err := os.WriteFile(words[1], floatBytes(out), 0o600); err != nil {
				return err
			}
		case len(words) == 1 && words[0] == "peak":
			set, err := kernels.Default()
			if err != nil {
				return err
			}
			answer = fmt.Sprint(set.Peak())
		default:
			return fault.Errorf("peers: the engine does not know %q", lines.Text())
		}
		fmt.Fprintln(to, answer)
	}
	return nil
}

func readFloats(path string) ([]float32, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v, nil
}

func floatBytes(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}
