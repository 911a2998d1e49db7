// Package command runs programs for the user: bounded in time and in what they print, and without processes that
// outlive them.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// Command is a program to be run.
type Command struct {
	Args []string // the program and its arguments; no shell reads them
	Dir  string   // where it runs; empty: where this process does
	Env  []string // its whole environment as NAME=VALUE; nil: that of this process
	// Token, if not empty, is put into the environment as [TokenVariable]. Every process that has it is ended before the
	// program starts and after it has ended: on Linux whatever they did to leave its process group, elsewhere those of
	// the group.
	Token string
	// Timeout bounds its time. It is asked to end first, and killed two seconds later.
	Timeout time.Duration
	// Stdout and Stderr take what it prints; never written to at the same time.
	Stdout, Stderr io.Writer
	// MaxOutput is the most bytes that it may print, on both together; more ends it.
	MaxOutput int64
}

// TokenVariable is the name of the environment variable with a [Command.Token].
const TokenVariable = "NAS_TRIAL"

// grace is the time that a program has to end in good order, and that its output may stay open after it.
const grace = 2 * time.Second

// Run runs a program to its end. Its error says in a sentence what went wrong, without what the program printed; it
// is that of the context if that ended first.
func (c *Command) Run(ctx context.Context) error {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.WaitDelay = grace
	cmd.Dir, cmd.Env = c.Dir, c.Env
	ownGroup(cmd, c.Token != "")
	if c.Token != "" {
		if cmd.Env == nil {
			cmd.Env = cmd.Environ()
		}
		cmd.Env = append(cmd.Env, TokenVariable+"="+c.Token)
		endToken(c.Token)
		defer endToken(c.Token)
	}
	meter := &meter{left: c.MaxOutput, full: cancel}
	cmd.Stdout, cmd.Stderr = &metered{meter, c.Stdout}, &metered{meter, c.Stderr}
	err := cmd.Run()
	if ctx.Err() != nil || errors.Is(err, exec.ErrWaitDelay) || c.Token != "" {
		endGroup(cmd)
	}
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // the program itself ended well
	}
	switch {
	case meter.over():
		return fmt.Errorf("%s wrote more than %d bytes: have it print less", c.Args[0], c.MaxOutput)
	case outer.Err() != nil:
		return context.Cause(outer)
	case ctx.Err() != nil:
		return fmt.Errorf("%s took longer than timeout_s = %g: raise that, or look what it waits for", c.Args[0],
			c.Timeout.Seconds())
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("there is no program %q in PATH: install it, or give its path", c.Args[0])
	case err != nil:
		return fmt.Errorf("%s: %w", c.Args[0], err)
	}
	return nil
}

// meter counts what a program prints, and calls full when it is too much.
type meter struct {
	sync.Mutex
	left int64
	full func()
}

func (m *meter) over() bool {
	m.Lock()
	defer m.Unlock()
	return m.left < 0
}

// metered is one of the outputs of a program.
type metered struct {
	meter *meter
	to    io.Writer
}

func (w *metered) Write(p []byte) (int, error) {
	m := w.meter
	m.Lock()
	defer m.Unlock()
	if m.left < 0 {
		return len(p), nil
	}
	if m.left -= int64(len(p)); m.left < 0 {
		m.full()
		return len(p), nil
	}
	if w.to == nil {
		return len(p), nil
	}
	return w.to.Write(p)
}

// Tail keeps the end of what is written to it. The zero value keeps nothing.
type Tail struct {
	Bytes int // how much is kept
	text  []byte
}

// Write implements [io.Writer].
func (t *Tail) Write(p []byte) (int, error) {
	if len(t.text)+len(p) > 2*t.Bytes {
		t.text = append(t.text[:0], t.last()...)
	}
	if len(p) > t.Bytes {
		t.text = append(t.text[:0], p[len(p)-t.Bytes:]...)
	} else {
		t.text = append(t.text, p...)
	}
	return len(p), nil
}

func (t *Tail) last() []byte { return t.text[max(0, len(t.text)-t.Bytes):] }

// Lines returns the last lines, n at most, without the white space around them. A first line that was cut is left out.
func (t *Tail) Lines(n int) []string {
	text := bytes.TrimSpace(t.last())
	lines := bytes.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(t.text) > t.Bytes && len(lines) > 1 {
		lines = lines[1:]
	}
	var out []string
	for _, l := range lines[max(0, len(lines)-n):] {
		out = append(out, string(bytes.TrimSpace(l)))
	}
	return out
}

// Lines is a writer that calls itself with each line, without its end. A line ends with a line feed or a carriage
// return. Of a longer line than 64 KiB the rest is left out.
type Lines struct {
	Each func(line string)
	part []byte
}

const longestLine = 64 << 10

// Write implements [io.Writer].
func (l *Lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexAny(p, "\n\r")
		if i < 0 {
			l.part = append(l.part, p[:min(len(p), longestLine-min(longestLine, len(l.part)))]...)
			return n, nil
		}
		l.part = append(l.part, p[:min(i, longestLine-min(longestLine, len(l.part)))]...)
		l.End()
		p = p[i+1:]
	}
}

// End calls Each with a last line that has no end.
func (l *Lines) End() {
	if len(l.part) > 0 {
		l.Each(string(l.part))
	}
	l.part = l.part[:0]
}
