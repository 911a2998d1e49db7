package main

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nas/blocks/pytorch"
	"nas/internal/config"
)

// checkCommand tells whether a command line could be carried out: the program is
// known, a target or package exists, nas understands its flags and arguments.
func checkCommand(top, name string, args []string) error {
	switch name {
	case "":
		return nil
	case "nas", "./nas":
		return checkNas(top, args)
	case "make":
		text, err := os.ReadFile(filepath.Join(top, "Makefile"))
		if err != nil {
			return err
		}
		for _, a := range args {
			if !strings.Contains(a, "=") && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(a)+`:`).Match(text) {
				return fmt.Errorf("the Makefile has no target %s", a)
			}
		}
		return nil
	case "go":
		return checkGo(top, args)
	}
	if !slices.Contains(otherPrograms, name) {
		return fmt.Errorf("the program %s is not known to this test", name)
	}
	return nil
}

func checkGo(top string, args []string) error {
	for i, a := range args {
		a = strings.TrimSuffix(a, "/...")
		if !strings.HasPrefix(a, "./") {
			continue
		}
		if fi, err := os.Stat(filepath.Join(top, a)); err != nil || !fi.IsDir() {
			return fmt.Errorf("there is no package %s", a)
		}
		if args[0] == "run" && a == "./cmd/nas" {
			return checkNas(top, args[i+1:])
		}
	}
	return nil
}

func checkNas(top string, args []string) error {
	if i := slices.Index(args, ">"); i >= 0 {
		args = args[:i]
	}
	if slices.Contains(args, "--help") {
		return nil
	}
	cmd, rest, err := new(app).root().Find(args)
	if err != nil {
		return err
	}
	if len(args) > 0 && !cmd.HasParent() {
		return fmt.Errorf("there is no command %s", args[0])
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	for _, a := range args {
		if strings.HasPrefix(a, "configs/") {
			if _, err := os.Stat(filepath.Join(top, a)); err != nil {
				return err
			}
		}
	}
	return nil
}

var tomlTable = regexp.MustCompile(`^\[{1,2}(space|latency|accuracy|constraints|search|output)[\].]`)

// checkTOML decodes a part of a config. That a part lacks the rest is no mistake.
func (b *codeBlock) checkTOML(t *testing.T, file string) {
	t.Helper()
	if len(b.lines) == 0 || b.lang != "toml" && !tomlTable.MatchString(b.lines[0]) {
		return
	}
	text := strings.Join(b.lines, "\n") + "\n"
	if !tomlTable.MatchString(firstTable(b.lines)) {
		return // of another file, such as a device recipe
	}
	_, err := config.Decode(file, []byte(text))
	var e *config.Error
	if !errors.As(err, &e) {
		return
	}
	for _, p := range e.Problems {
		if p.Value != "" || strings.HasPrefix(p.Want, "unknown") || p.Key == "" {
			t.Errorf("%s:%d: %s = %s: %s", file, b.line+p.Line-1, p.Key, p.Value, p.Want)
		}
	}
}

func firstTable(lines []string) string {
	for _, l := range lines {
		if strings.HasPrefix(l, "[") {
			return l
		}
	}
	return ""
}

// setStage makes what commands of the documents expect to find.
func setStage(t *testing.T, top string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, ".cache"))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.CopyFS(filepath.Join(dir, "configs"), os.DirFS(filepath.Join(top, "configs"))))
	t.Chdir(dir)
	do := func(args ...string) {
		t.Helper()
		if code, _, stderr := nas(t, args...); code != exitDone {
			t.Fatalf("nas %s: %s", strings.Join(args, " "), stderr)
		}
	}
	must(os.WriteFile("phone.csv", []byte(phoneTable), 0o644))
	do("calibrate", "--from", "phone.csv", "--name", "phone", "--out", "phone.json")
	do("run", "configs/smoke.toml", "--profile", "phone.json", "--evaluations", "48", "--out", "results/mobile")
	f, err := os.Create("x.npy")
	must(err)
	must(pytorch.WriteNPY(f, make([]float32, 64*64*3), []int{64, 64, 3}))
	must(f.Close())
	must(os.Mkdir("photos", 0o755))
	savePicture(t, filepath.Join("photos", "a.jpg"), 40, 50, func(y, x int) color.NRGBA {
		return color.NRGBA{uint8(5 * y), uint8(4 * x), uint8(y * x), 255}
	})
	return dir
}

// fillIn is the reader of a table of nas ask who has trained the networks.
func fillIn(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("trained.csv")
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i := range lines[1:] {
		lines[i+1] += strconv.Itoa(60 + i)
	}
	if err := os.WriteFile("trained.csv", []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWords(t *testing.T) {
	for line, want := range map[string]string{
		"":                                 "[]",
		"nas run a.toml   # more":          "[[nas run a.toml]]",
		`nas show "a | b" --layers`:        "[[nas show a | b --layers]]",
		"A=1 B=2 go build -o x ./cmd/nas":  "[[A=1 B=2 go build -o x ./cmd/nas]]",
		"nas export m --out - | dot -Tsvg": "[[nas export m --out -] [dot -Tsvg]]",
		"adb shell 'cd x && ./nas --help'": "[[adb shell cd x && ./nas --help]]",
		"cd a && make test":                "[[cd a] [make test]]",
	} {
		got, err := words(line)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q is %v (%v), want %s", line, got, err, want)
		}
	}
}

func TestCheckCommandCatches(t *testing.T) {
	top := filepath.Join("..", "..")
	for _, bad := range []string{
		"nas rnu configs/mobile.toml", "nas run configs/mobile.toml --resum", "nas show", "nas run configs/none.toml", "make tset",
		"go test ./blocks/nothing", "go run ./cmd/nas run configs/mobile.toml --fast", "perl x",
	} {
		cs, err := words(bad)
		if err != nil {
			t.Fatal(err)
		}
		name, args := program(cs[0])
		if checkCommand(top, name, args) == nil {
			t.Errorf("%s passes", bad)
		}
	}
}

func TestCodeBlocks(t *testing.T) {
	text := "a\n\n    nas zoo\n    # more\n\n1. item\n\n    no code\n\ntext\n<!-- not run: long -->\n\n" +
		"    make run\n\n```toml\n[space]\n```\n"
	got := codeBlocks(text)
	if len(got) != 3 || got[0].line != 3 || !got[0].isShell() ||
		got[1].notRun != "long" || got[1].lines[0] != "make run" ||
		got[2].lang != "toml" || got[2].isShell() {
		t.Errorf("%+v", got)
	}
}

// writtenFile finds the files that a command of the documents writes.
var writtenFile = regexp.MustCompile(`(?:--out|--output|--plot|--diagram|OUT|>)[ =]*([\w.-]+\.\w+|nas-\w+)(?:\s|$)`)

// What the commands of the documents write into the checkout is ignored by git, so that a reader who follows them
// has a clean one.
func TestManualLeavesNothingUntracked(t *testing.T) {
	top := filepath.Join("..", "..")
	ignore, err := os.ReadFile(filepath.Join(top, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range manual(t, top) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range codeBlocks(string(text)) {
			for i, line := range b.lines {
				for _, m := range writtenFile.FindAllStringSubmatch(line, -1) {
					found++
					ignored := slices.ContainsFunc(strings.Split(string(ignore), "\n"), func(pattern string) bool {
						ok, err := filepath.Match(strings.TrimPrefix(pattern, "/"), m[1])
						return ok && err == nil
					})
					if b.isShell() && !ignored {
						t.Errorf("%s:%d: %s would be untracked", file, b.line+i, m[1])
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d files are found", found)
	}
}
