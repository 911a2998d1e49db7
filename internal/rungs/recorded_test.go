package rungs

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"nas/internal/config"
	"nas/internal/stat"
	"nas/space"
)

// The recorded rungs are of networks of their space, with the right counts, and the accuracy after few epochs ranks the
// networks as the last one does.
func TestRecordedRungs(t *testing.T) {
	dir := filepath.Join("..", "..", "results", "reference", "rungs")
	c, err := config.Load(filepath.Join(dir, "space.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]space.Arch{}
	for g := range s.All() {
		a := s.Arch(g)
		members[a.ID()] = a
	}
	f, err := os.Open(filepath.Join(dir, "rungs.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var accuracy [3][]float64
	for _, line := range lines[1:] {
		get := func(name string) float64 {
			v, err := strconv.ParseFloat(line[slices.Index(lines[0], name)], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		id := line[slices.Index(lines[0], "arch_id")]
		a, ok := members[id]
		if !ok {
			t.Fatalf("%s is not in the space, or occurs twice", id)
		}
		delete(members, id)
		n, err := a.Network()
		if err != nil {
			t.Fatal(err)
		}
		if counts := n.Counts(); float64(counts.Params) != get("params") || float64(counts.MACs) != get("macs") {
			t.Errorf("%s: %d parameters and %d MACs", id, counts.Params, counts.MACs)
		}
		spent := 0.0
		for i, epochs := range []string{"1", "3", "9"} {
			accuracy[i] = append(accuracy[i], get("accuracy_"+epochs))
			if now := get("cpu_s_" + epochs); now <= spent {
				t.Errorf("%s: %g s of %s epochs, after %g", id, now, epochs, spent)
			} else {
				spent = now
			}
		}
	}
	first, second := stat.KendallTau(accuracy[0], accuracy[2]), stat.KendallTau(accuracy[1], accuracy[2])
	t.Logf("%d networks of %d; Kendall's tau with 9 epochs: 1 epoch %.2f, 3 epochs %.2f", len(lines)-1,
		len(lines)-1+len(members), first, second)
	if first < 0.4 || second < 0.6 {
		t.Errorf("the first rungs rank networks as the last by %.2f and %.2f, want 0.4 and 0.6", first, second)
	}
}
