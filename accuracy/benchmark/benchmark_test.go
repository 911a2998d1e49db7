package benchmark

import (
	"strings"
	"testing"
)

// TestRebuilt holds every network of the trained tables against the params and
// MACs that the tables state.
func TestRebuilt(t *testing.T) {
	for _, tt := range []struct {
		name string
		rows int
	}{{"macro", 1608}, {"accel", 3039}} {
		b, err := Open(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Rows) != tt.rows {
			t.Errorf("%s: %d networks, want %d", tt.name, len(b.Rows), tt.rows)
		}
		bad := 0
		for _, r := range b.Rows {
			if c := r.Network.Counts(); c.Params != r.Params || c.MACs != r.MACs {
				if bad++; bad < 5 {
					t.Errorf("%s: params %d, MACs %d, want %d, %d", r.Network.Name, c.Params, c.MACs, r.Params, r.MACs)
				}
			}
		}
		if bad > 0 {
			t.Errorf("%s: %d networks differ", tt.name, bad)
		}
	}
}

func TestSplitsAreHalves(t *testing.T) {
	b, err := Open("macro")
	if err != nil {
		t.Fatal(err)
	}
	dev, _ := b.Split(Development)
	held, _ := b.Split(HeldOut)
	if len(dev)+len(held) != len(b.Rows) || len(held) < len(b.Rows)/3 || len(dev) < len(b.Rows)/3 {
		t.Errorf("%d and %d of %d", len(dev), len(held), len(b.Rows))
	}
	if _, err := b.Split("third"); err == nil {
		t.Error("an unknown split is accepted")
	}
}

func TestReadBenchmark(t *testing.T) {
	b, err := Read("mine.csv", strings.NewReader("arch,accuracy,id\n22212220,93.1,best\n00000000,45.4,worst\n"),
		MacroNetwork)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Rows) != 2 || b.Rows[0].ID != "best" || b.Rows[1].Truth != 45.4 || b.Rows[0].MACs != 85205760 &&
		b.Rows[0].MACs == 0 {
		t.Errorf("%+v", b.Rows)
	}
	for _, tt := range []struct{ text, want string }{
		{"", "empty"},
		{"arch,top1\nx,1\n", `column "accuracy" is missing`},
		{"arch,accuracy\n22212220,high\n", `line 2, column 2: accuracy "high"`},
		{"arch,accuracy\n22212220,930\n", `line 2, column 2: accuracy "930"`},
		{"arch,accuracy\n9,50\n", "line 2, column 1: arch \"9\": accuracy: macro network"},
	} {
		if _, err := Read("mine.csv", strings.NewReader(tt.text), MacroNetwork); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}
