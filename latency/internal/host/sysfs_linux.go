package host

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Capacities returns the scheduler's measure of each core where cores differ:
// 1024 is the fastest kind.
func Capacities() []int {
	var cs []int
	differ := false
	for i := range runtime.NumCPU() {
		c, err := strconv.Atoi(ReadLine("/sys/devices/system/cpu/cpu" + strconv.Itoa(i) + "/cpu_capacity"))
		if err != nil {
			return nil
		}
		cs = append(cs, c)
		differ = differ || c != cs[0]
	}
	if !differ {
		return nil
	}
	return cs
}

// Temperature is the hottest thermal zone in degrees Celsius, 0 if none shows.
func Temperature() float64 {
	hot := 0.0
	for _, z := range glob("/sys/class/thermal/thermal_zone*/temp") {
		if m, err := strconv.ParseFloat(ReadLine(z), 64); err == nil && m/1000 < 150 {
			hot = max(hot, m/1000)
		}
	}
	return hot
}

// stolen returns the seconds that the hypervisor has given to others while
// this machine wanted to run, since boot, over all cores.
func stolen() (seconds float64, ok bool) {
	f := strings.Fields(ReadLine("/proc/stat"))
	if len(f) < 9 || f[0] != "cpu" {
		return 0, false
	}
	t, err := strconv.ParseFloat(f[8], 64)
	return t / 100, err == nil // USER_HZ is 100 on every Linux port of Go
}

func ReadLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	s, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(s)
}

func glob(pattern string) []string {
	m, _ := filepath.Glob(pattern) // the only error is a bad pattern
	return m
}
