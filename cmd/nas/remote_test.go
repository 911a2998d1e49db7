//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nas/latency"
	"nas/latency/devices"
)

// TestMain lets the test binary be the program on the other device.
func TestMain(m *testing.M) {
	if os.Getenv("NAS_TEST_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// board makes a device out of a directory, puts commands on the PATH that reach
// it, and returns the recipe's file with that directory. program is a line of
// shell that runs nas there, batch the number of models of one start.
func board(t *testing.T, recipe, program string, batch int) (file, remote string) {
	t.Helper()
	dir := t.TempDir()
	remote = filepath.Join(dir, "board")
	bin := filepath.Join(dir, "bin")
	for path, text := range map[string]string{
		filepath.Join(remote, "nas"): "#!/bin/sh\n" + program + "\n",
		filepath.Join(bin, "ssh"): `#!/bin/sh
[ "$1 $2 $3" = "-o BatchMode=yes me@board" ] || { echo "ssh: Could not resolve hostname $3" >&2; exit 255; }
shift 3
exec sh -c "$*" # a new shell, as at the other end
`,
		filepath.Join(bin, "scp"): `#!/bin/sh
shift 3
for last; do :; done
while [ $# -gt 1 ]; do cp "$1" "${last#me@board:}" || exit 1; shift; done
`,
		filepath.Join(bin, "adb"): `#!/bin/sh
[ "$1 $2" = "-s emulator:5554" ] || { echo "adb: device '$2' not found" >&2; exit 1; }
verb=$3
shift 3
if [ $verb = shell ]; then exec sh -c "$*"; fi
for last; do :; done
while [ $# -gt 1 ]; do cp "$1" "$last" || exit 1; shift; done
echo "files pushed"
`,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text, err := devices.Recipe(recipe)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		switch key, _, _ := strings.Cut(line, " "); key {
		case "remote_dir":
			line = fmt.Sprintf("remote_dir = %q\n", remote)
		case "batch":
			line = fmt.Sprintf("batch = %d\n", batch)
		}
		lines = append(lines, line)
	}
	file = filepath.Join(dir, recipe+".toml")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return file, remote
}

func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return "NAS_TEST_PROGRAM=1 exec '" + exe + "' \"$@\""
}

// calibrateRemote calibrates over the recipe and checks the profile.
func calibrateRemote(t *testing.T, device, isa, budget string, networks int) *latency.Profile {
	t.Helper()
	if testing.Short() {
		t.Skip("a calibration takes seconds of an idle machine")
	}
	out := filepath.Join(t.TempDir(), "board.json")
	code, stdout, stderr := nas(t, "calibrate", "--device", device, "--space", "testdata/tiny.toml",
		"--budget", budget, "--out", out, "--json", "--quiet")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var v struct{ Profile string }
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || v.Profile != out {
		t.Errorf("%v, %s", err, stdout)
	}
	p, err := latency.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.HeldOut) < networks || p.Device.Runtime != "nas kernels" || p.Device.CPU == "" ||
		p.Facts.CPU != p.Device.CPU || p.Facts.Go == "" {
		t.Errorf("%d networks, device %+v, facts %+v", len(p.HeldOut), p.Device, p.Facts)
	}
	if isa != "" && (p.Device.Target.ISA != isa || p.Facts.Arch != "arm64") {
		t.Errorf("target %+v of %s", p.Device.Target, p.Facts.Arch)
	}
	for _, h := range p.HeldOut {
		if s := h.Measured; s.Runs < 3 || s.P10Ms <= 0 || s.P10Ms > s.MedianMs || s.MedianMs > s.P90Ms {
			t.Errorf("%s: %+v", h.Name, s)
		}
	}
	return p
}

func TestRemoteOverSSH(t *testing.T) {
	file, remote := board(t, "nas-remote", self(t), 8)
	p := calibrateRemote(t, file+":me@board", "", "15s", 2)
	left, _ := filepath.Glob(filepath.Join(remote, "*.onnx"))
	if len(left) > 0 {
		t.Errorf("left on the board: %v", left)
	}
	code, out, stderr := nas(t, "bench", tinyArch, "--device", file+":me@board", "--json")
	var v struct {
		MedianMs float64 `json:"median_ms"`
		Device   string
	}
	if err := json.Unmarshal([]byte(out), &v); code != 0 || err != nil || v.MedianMs <= 0 ||
		v.Device != p.Device.String() {
		t.Errorf("exit code %d, %s%s", code, out, stderr)
	}
}

func TestRemoteOverADB(t *testing.T) {
	file, _ := board(t, "nas-remote-adb", self(t), 8)
	calibrateRemote(t, file+":emulator:5554", "", "15s", 2)
}

func TestRemoteFails(t *testing.T) {
	file, remote := board(t, "nas-remote", self(t), 8)
	for _, c := range []struct{ device, want string }{
		{"nas-remote", "--device nas-remote:HOST"},
		{file + ":you@nowhere", "Could not resolve hostname you@nowhere"},
		{file + ":-oProxyCommand=reboot", "begins with a dash"},
	} {
		code, _, stderr := nas(t, "bench", tinyArch, "--device", c.device)
		if code == 0 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, %q", c.device, code, stderr)
		}
	}
	if err := os.WriteFile(filepath.Join(remote, "nas"), []byte("#!/bin/sh\necho '{}'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantExit(t, exitFailed, "names no machine", "bench", tinyArch, "--device", file+":me@board")
}

// TestRemoteARM64 takes the linux/arm64 build as the program on the board, run by
// an emulator. make test-arm64 sets NAS_QEMU.
func TestRemoteARM64(t *testing.T) {
	qemu := os.Getenv("NAS_QEMU")
	if qemu == "" {
		t.Skip("NAS_QEMU is not set: make test-arm64 runs this")
	}
	exe := filepath.Join(t.TempDir(), "nas-arm64")
	build := exec.Command("go", "build", "-o", exe, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// An emulated run takes a second, and three reference networks are run beside the two: three runs of each.
	file, _ := board(t, "nas-remote", `[ "$1" = bench ] && set -- "$@" --runs 3
exec '`+qemu+"' '"+exe+"' \"$@\"", 2)
	calibrateRemote(t, file+":me@board", "neon", "150s", 2)
}
