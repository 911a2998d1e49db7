package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func shell(t *testing.T, script string) Command {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	return Command{Args: []string{"sh", "-c", script}, Timeout: time.Minute, MaxOutput: 1 << 20}
}

func TestOutputs(t *testing.T) {
	var out, msg bytes.Buffer
	c := shell(t, "echo one; echo two >&2; pwd")
	c.Stdout, c.Stderr, c.Dir = &out, &msg, t.TempDir()
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != "one\n"+dir+"\n" || msg.String() != "two\n" {
		t.Errorf("%q and %q", out.String(), msg.String())
	}
}

func TestErrors(t *testing.T) {
	canceled, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrShortWrite)
	for _, x := range []struct {
		script, want string
		timeout      time.Duration
		ctx          context.Context
	}{
		{"exit 3", "sh: exit status 3", time.Minute, t.Context()},
		{"sleep 60", "sh took longer than timeout_s = 0.2: raise that, or look what it waits for", 200 * time.Millisecond, t.Context()},
		{"trap '' TERM; sleep 60", "sh took longer than timeout_s = 0.2: raise that, or look what it waits for", 200 * time.Millisecond, t.Context()},
		{"yes", "sh wrote more than 1048576 bytes: have it print less", time.Minute, t.Context()},
		{"yes >&2", "sh wrote more than 1048576 bytes: have it print less", time.Minute, t.Context()},
		{"exit 3", io.ErrShortWrite.Error(), time.Minute, canceled},
	} {
		c := shell(t, x.script)
		c.Timeout = x.timeout
		if err := c.Run(x.ctx); err == nil || err.Error() != x.want {
			t.Errorf("%s: %v, want %s", x.script, err, x.want)
		}
	}
	c := Command{Args: []string{"no-such-program"}, Timeout: time.Minute}
	if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "install it") {
		t.Error(err)
	}
}

// Whatever a program leaves behind, in its own group or not, is ended with it and before the next with its token.
func TestToken(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("the environment of processes is looked up in /proc")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "pids")
	c := shell(t, fmt.Sprintf("sleep 600 & echo $! >> %[1]s; "+
		"setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $! >> %[1]s", file))
	c.Token = dir
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	pids, err := os.ReadFile(file)
	if err != nil || len(strings.Fields(string(pids))) != 2 {
		t.Fatalf("%q, %v", pids, err)
	}
	for _, pid := range strings.Fields(string(pids)) {
		if line, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline")); err == nil && len(line) > 0 {
			t.Errorf("%q still runs", line)
		}
	}
}

func TestTail(t *testing.T) {
	tail := Tail{Bytes: 20}
	for i := range 100 {
		fmt.Fprintf(&tail, "line %d\n", i)
	}
	if got := strings.Join(tail.Lines(2), "|"); got != "line 98|line 99" {
		t.Errorf("%q", got)
	}
	if got := len(tail.Lines(20)); got != 2 { // a third was cut
		t.Errorf("%d lines of 20 bytes", got)
	}
	long := Tail{Bytes: 4}
	long.Write([]byte("0123456789"))
	if got := long.Lines(1); len(got) != 1 || got[0] != "6789" {
		t.Errorf("%q", got)
	}
}

func TestLines(t *testing.T) {
	var got []string
	l := Lines{Each: func(s string) { got = append(got, s) }}
	io.WriteString(&l, "a\nb")
	io.WriteString(&l, "c\r\n\n50%\r60%")
	l.End()
	if want := "a|bc|50%|60%"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %s", got, want)
	}
	got = nil
	for range 100 {
		io.WriteString(&l, strings.Repeat("x", 1000))
	}
	io.WriteString(&l, "\n")
	if len(got) != 1 || len(got[0]) != longestLine {
		t.Errorf("%d lines", len(got))
	}
}
