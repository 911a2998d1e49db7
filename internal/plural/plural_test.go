package plural

import "testing"

func TestOf(t *testing.T) {
	for n, want := range map[int]string{0: "0 networks", 1: "1 network", 2: "2 networks", -1: "-1 networks"} {
		if got := Of(n, "network"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
