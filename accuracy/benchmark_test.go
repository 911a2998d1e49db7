package accuracy

import "testing"

// TestRebuilt holds every network of the trained tables against the params and
// MACs that the tables state.
func TestRebuilt(t *testing.T) {
	for _, tt := range []struct {
		name string
		rows int
	}{{"macro", 1608}, {"accel", 3039}} {
		b, err := OpenBenchmark(tt.name)
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
