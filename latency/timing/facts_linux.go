package timing

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nas/blocks/engine"
	"nas/latency/internal/host"
)

func hostFacts(f *Facts) {
	info, _ := os.ReadFile("/proc/cpuinfo")
	f.CPU = cpuName(string(info))
	f.Virtual = strings.Contains(string(info), " hypervisor")
	f.Host, _ = os.Hostname()
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		f.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	first := 0
	if len(f.CPUSet) > 0 {
		first = f.CPUSet[0]
	}
	cpu := "/sys/devices/system/cpu/cpu" + strconv.Itoa(first) + "/"
	f.L1, f.L2, f.L3 = engine.CacheSizes(first)
	f.Governor = host.ReadLine(cpu + "cpufreq/scaling_governor")
	if khz, err := strconv.ParseFloat(host.ReadLine(cpu+"cpufreq/scaling_cur_freq"), 64); err == nil {
		f.MHz = khz / 1000
	} else if v, ok := cpuinfoField(string(info), "cpu MHz"); ok {
		f.MHz, _ = strconv.ParseFloat(v, 64)
	}
	f.Clusters = host.Capacities()
	f.TempC = host.Temperature()
	if s := strings.Fields(host.ReadLine("/proc/loadavg")); len(s) > 0 {
		if l, err := strconv.ParseFloat(s[0], 64); err == nil {
			f.Load = l
		}
	}
}

// cpuName is the model name where /proc/cpuinfo has one. Arm kernels give
// numbers only: implementer and part name the core; a board's name is better.
func cpuName(info string) string {
	if v, ok := cpuinfoField(info, "model name"); ok {
		return v
	}
	board := strings.Trim(host.ReadLine("/proc/device-tree/model"), "\x00")
	impl, ok1 := cpuinfoField(info, "CPU implementer")
	part, ok2 := cpuinfoField(info, "CPU part")
	core := ""
	if ok1 && ok2 {
		core = armCores[impl+" "+part]
		if core == "" {
			core = "implementer " + impl + " part " + part
		}
	}
	if hw, ok := cpuinfoField(info, "Hardware"); ok && board == "" {
		board = hw
	}
	switch {
	case board != "" && core != "":
		return board + " (" + core + ")"
	case board != "":
		return board
	}
	return core
}

// armCores names common cores by implementer and part number, as Arm's Main ID
// Register assigns them.
var armCores = map[string]string{
	"0x41 0xd03": "Cortex-A53", "0x41 0xd04": "Cortex-A35", "0x41 0xd05": "Cortex-A55", "0x41 0xd07": "Cortex-A57",
	"0x41 0xd08": "Cortex-A72", "0x41 0xd09": "Cortex-A73", "0x41 0xd0a": "Cortex-A75", "0x41 0xd0b": "Cortex-A76",
	"0x41 0xd0c": "Neoverse-N1", "0x41 0xd0d": "Cortex-A77", "0x41 0xd40": "Neoverse-V1", "0x41 0xd41": "Cortex-A78",
	"0x41 0xd44": "Cortex-X1", "0x41 0xd46": "Cortex-A510", "0x41 0xd47": "Cortex-A710", "0x41 0xd48": "Cortex-X2",
	"0x41 0xd49": "Neoverse-N2", "0x41 0xd4f": "Neoverse-V2",
}

func cpuinfoField(info, name string) (string, bool) {
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
}
