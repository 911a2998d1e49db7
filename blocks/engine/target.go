package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"nas/blocks/kernels"
	"nas/internal/fault"
)

// Target is what a plan is made for. Cache sizes are in bytes, as one core sees
// them. The zero value of a size means the fallback of [Host].
type Target struct {
	ISA     string `json:"isa"` // "generic", "avx2", "avx512" or "neon"
	L1      int    `json:"l1"`
	L2      int    `json:"l2"`
	L3      int    `json:"l3"`
	Threads int    `json:"threads"` // 0 means 1
	// DType is the type of the values between the ops: [Float32], or [Int8] for the integers of package quant.
	DType string `json:"dtype,omitempty"`
}

// Values of Target.DType.
const (
	Float32 = ""
	Int8    = "int8"
)

// String names what distinguishes targets.
func (t Target) String() string {
	s := fmt.Sprintf("%s with caches of %d, %d and %d kB, threads: %d",
		t.ISA, t.L1>>10, t.L2>>10, t.L3>>10, t.Threads)
	if t.DType != Float32 {
		s += ", " + t.DType
	}
	return s
}

// isas are the instruction sets for which a plan can be listed anywhere.
var isas = []string{"generic", "avx2", "avx512", "neon"}

// Sizes taken where the system does not tell: small enough for any core of the
// last ten years, a phone's included.
const (
	fallbackL1 = 32 << 10
	fallbackL2 = 512 << 10
	fallbackL3 = 4 << 20
)

// Host returns this machine as a target for a number of threads (less than 1
// means 1). The instruction set is the kernels' choice, which NAS_KERNELS can
// force; a name there that this machine does not run is kept, and Bind reports
// it. Cache sizes come from sysfs on Linux; elsewhere, or where sysfs is silent,
// they are 32 KiB, 512 KiB and 4 MiB.
func Host(threads int) Target {
	t := Target{Threads: threads}
	if set, err := kernels.Default(); err == nil {
		t.ISA = set.Name()
	} else {
		t.ISA = os.Getenv(kernels.EnvName)
	}
	t.L1, t.L2, t.L3 = CacheSizes(0)
	t.fill()
	return t
}

// fill resolves zero values.
func (t *Target) fill() {
	t.Threads = max(t.Threads, 1)
	for _, c := range []struct {
		size *int
		def  int
	}{{&t.L1, fallbackL1}, {&t.L2, fallbackL2}, {&t.L3, fallbackL3}} {
		if *c.size <= 0 {
			*c.size = c.def
		}
	}
}

func (t *Target) check() error {
	if !slices.Contains(isas, t.ISA) {
		return fault.Errorf("engine: unknown instruction set %q, want one of %s", t.ISA, strings.Join(isas, ", "))
	}
	if t.DType != Float32 && t.DType != Int8 {
		return fault.Errorf("engine: unknown type of values %q, want \"\" or %q", t.DType, Int8)
	}
	if t.Threads > 1024 {
		return fault.Errorf("engine: %d threads, want at most 1024", t.Threads)
	}
	return nil
}

// CacheSizes returns the sizes of the data caches that a core sees, in bytes; 0 where
// the system does not say, as it does on Linux.
func CacheSizes(core int) (l1, l2, l3 int) {
	return sysfsCaches("/sys/devices/system/cpu/cpu" + strconv.Itoa(core) + "/cache")
}

// sysfsCaches reads the data caches that Linux lists under dir; 0 where none is listed.
func sysfsCaches(dir string) (l1, l2, l3 int) {
	read := func(index, file string) string {
		b, err := os.ReadFile(filepath.Join(index, file))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(b))
	}
	indices, _ := filepath.Glob(filepath.Join(dir, "index*")) // the pattern is well formed
	for _, index := range indices {
		if read(index, "type") == "Instruction" {
			continue
		}
		n := parseSize(read(index, "size"))
		switch read(index, "level") {
		case "1":
			l1 = n
		case "2":
			l2 = n
		case "3":
			l3 = n
		}
	}
	return l1, l2, l3
}

// parseSize reads "32K", "8M" or "1G"; 0 if it is anything else.
func parseSize(s string) int {
	unit := 1
	switch {
	case strings.HasSuffix(s, "K"):
		unit, s = 1<<10, s[:len(s)-1]
	case strings.HasSuffix(s, "M"):
		unit, s = 1<<20, s[:len(s)-1]
	case strings.HasSuffix(s, "G"):
		unit, s = 1<<30, s[:len(s)-1]
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return n * unit
}
