package fault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"nas/internal/fault"
)

// typedError is an error of a type of its own.
type typedError struct{}

func (*typedError) Error() string { return "fault_test: typed" }

func TestText(t *testing.T) {
	inner := fault.Errorf("blocks: node %q: want %d", "a: b", 3)
	sentinel := fault.New("space: no such gene")
	for _, c := range []struct {
		err        error
		text, full string
	}{
		{inner, `node "a: b": want 3`, `blocks: node "a: b": want 3`},
		{fault.Errorf("latency: profile: %w", inner), `profile: node "a: b": want 3`, `latency: profile: blocks: node "a: b": want 3`},
		{fmt.Errorf("--base x: %w", inner), `--base x: node "a: b": want 3`, `--base x: blocks: node "a: b": want 3`},
		{errors.Join(inner, sentinel), "node \"a: b\": want 3\nno such gene", "blocks: node \"a: b\": want 3\nspace: no such gene"},
		{fmt.Errorf("two: %w, %w", sentinel, inner), `two: no such gene, node "a: b": want 3`, `two: space: no such gene, blocks: node "a: b": want 3`},
		{fault.Errorf("run: %w", &typedError{}), "typed", "run: fault_test: typed"},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, "open x: file does not exist", "open x: file does not exist"},
		{errors.New("space: not one of ours"), "space: not one of ours", "space: not one of ours"},
	} {
		if got := fault.Text(c.err); got != c.text {
			t.Errorf("Text gives %q, want %q", got, c.text)
		}
		if got := c.err.Error(); got != c.full {
			t.Errorf("Error gives %q, want %q", got, c.full)
		}
	}
	if err := fault.Errorf("run: %w", sentinel); !errors.Is(err, sentinel) {
		t.Error("a wrapped error is not found")
	}
}
