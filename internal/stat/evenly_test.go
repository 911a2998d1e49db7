package stat

import "testing"

func TestEvenly(t *testing.T) {
	for _, c := range []struct{ m, n, want int }{{10, 3, 3}, {2, 5, 2}, {1, 1, 1}, {0, 0, 0}, {100, 40, 40}} {
		got := Evenly(c.m, c.n)
		if len(got) != c.want || c.want > 1 && (got[0] != 0 || got[len(got)-1] != c.m-1) {
			t.Errorf("Evenly(%d, %d) is %v, want %d with both ends", c.m, c.n, got, c.want)
		}
	}
}
