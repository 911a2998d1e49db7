package timing

import (
	"strings"
	"testing"
)

func TestCPUName(t *testing.T) {
	if n := cpuName("processor : 0\nmodel name\t: Some CPU @ 3 GHz\n"); n != "Some CPU @ 3 GHz" {
		t.Errorf("%q", n)
	}
	if n := cpuName("CPU implementer : 0x41\nCPU part\t: 0xd08\n"); !strings.Contains(n, "Cortex-A72") {
		t.Errorf("%q", n)
	}
}

func TestHostFacts(t *testing.T) {
	f := HostFacts([]int{0})
	if f.CPU == "" || f.OS != "linux" || f.Cores < 1 || f.Go == "" || f.Load < 0 {
		t.Errorf("%+v", f)
	}
}

func TestFactsWarn(t *testing.T) {
	for _, c := range []struct {
		f       Facts
		threads int
		want    string
	}{
		{Facts{Cores: 4, Load: 0.1, Governor: "performance"}, 1, ""},
		{Facts{Cores: 4, Load: 9}, 1, ""}, // one thread notices by itself
		{Facts{Cores: 4, Load: 9}, 2, "load average was 9.0"},
		{Facts{Cores: 2, Load: -1}, 3, "3 threads share 2"},
		{Facts{Cores: 2, Load: -1, Governor: "schedutil"}, 1, "schedutil"},
	} {
		w := strings.Join(c.f.Warnings(c.threads), "; ")
		if (w == "") != (c.want == "") || !strings.Contains(w, c.want) {
			t.Errorf("%+v, %d threads: %q, want %q", c.f, c.threads, w, c.want)
		}
	}
}
