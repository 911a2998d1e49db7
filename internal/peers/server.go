package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"nas/internal/fault"
)

// A server is a process that has loaded a model and its input. It answers one line to each line:
//
//	ready               once, when the model is loaded
//	run N           ->  the times of N runs in milliseconds
//	output FILE     ->  done; FILE has the float32 values of the first output
//	peak            ->  GFLOP/s of multiply-adds on registers (this program's engine only)
//
// With one thread, a run's time is that which its process had a core for: wall time less what other programs took.
type server struct {
	name  string
	cmd   *exec.Cmd
	to    io.WriteCloser
	lines *bufio.Reader
}

func startServer(name string, cmd *exec.Cmd) (*server, error) {
	s := &server{name: name, cmd: cmd}
	cmd.Stderr = os.Stderr
	var err error
	if s.to, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.lines = bufio.NewReader(from)
	if err := cmd.Start(); err != nil {
		return nil, fault.Errorf("peers: %s: %w", name, err)
	}
	line, err := s.lines.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		s.stop()
		return nil, fault.Errorf("peers: %s does not start: %q", name, line)
	}
	return s, nil
}

// ask sends a line and returns the words of the answer.
func (s *server) ask(format string, a ...any) ([]string, error) {
	if _, err := fmt.Fprintf(s.to, format+"\n", a...); err != nil {
		return nil, fault.Errorf("peers: %s: %w", s.name, err)
	}
	line, err := s.lines.ReadString('\n')
	if err != nil {
		return nil, fault.Errorf("peers: %s has ended: %w", s.name, err)
	}
	return strings.Fields(line), nil
}

// numbers is ask where numbers are answered.
func (s *server) numbers(format string, a ...any) ([]float64, error) {
	words, err := s.ask(format, a...)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(words))
	for i, w := range words {
		if out[i], err = strconv.ParseFloat(w, 64); err != nil {
			return nil, fault.Errorf("peers: %s answers %q", s.name, w)
		}
	}
	if len(out) == 0 {
		return nil, fault.Errorf("peers: %s answers nothing", s.name)
	}
	return out, nil
}

// stop ends the process, which ends when its input does.
func (s *server) stop() {
	s.to.Close()
	s.cmd.Wait()
}
