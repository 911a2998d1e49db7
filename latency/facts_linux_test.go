package latency

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
