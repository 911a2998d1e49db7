package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	pathName  = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+/?$`)
	testName  = regexp.MustCompile(`-(run|bench) '?([A-Za-z0-9_]+)`)
	testedDir = regexp.MustCompile(` \./(\S+)`)
)

// TestDocuments looks at the code in the lines of the documents, as `internal/lint`: a path below a folder of this
// module must exist, and a go test command must name a package and tests that it has. What commands in blocks do is
// tested in cmd/nas.
func TestDocuments(t *testing.T) {
	out, err := exec.Command("git", "-C", root, "ls-files").Output()
	if err != nil {
		t.Skipf("git does not list the files: %v", err)
	}
	files := strings.Fields(string(out))
	seen := 0
	for _, file := range files {
		if filepath.Ext(file) != ".md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, code := range codeTag.FindAllString(line, -1) {
				code = strings.Trim(code, "`")
				seen++
				if strings.HasPrefix(code, "go test ") {
					checkTests(t, file, i+1, code)
				} else if pathName.MatchString(code) && !isThere(files, file, code) {
					t.Errorf("%s:%d: there is no %s", file, i+1, code)
				}
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d pieces of code were looked at", seen)
	}
}

var (
	madeTests = regexp.MustCompile(`-run '([^']+)'.* \./([\w/]+)`)
	wordOf    = regexp.MustCompile(`[A-Za-z0-9_]+`)
)

// TestMakefileTests looks for the tests that the Makefile names, in the packages that it names.
func TestMakefileTests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i, line := range strings.Split(string(text), "\n") {
		m := madeTests.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		for _, name := range wordOf.FindAllString(m[1], -1) {
			if strings.HasPrefix(name, "Test") {
				found++
				checkTests(t, "Makefile", i+1, "go test -run "+name+" ./"+m[2])
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d tests are found", found)
	}
}

// isThere reports whether a path is that of a file or folder of the module, or does not begin with one of its folders.
// Paths may also be relative to the document. What a run writes below results is not looked for.
func isThere(files []string, document, p string) bool {
	top, _, _ := strings.Cut(p, "/")
	own := slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, top+"/") })
	if !own || top == "results" && !strings.HasPrefix(p, "results/reference") {
		return true
	}
	for _, dir := range []string{"", filepath.Dir(document)} {
		if _, err := os.Stat(filepath.Join(root, dir, p)); err == nil {
			return true
		}
	}
	return false
}

// checkTests checks the package of a go test command, and the tests and benchmarks that it selects.
func checkTests(t *testing.T, document string, line int, command string) {
	t.Helper()
	dir := testedDir.FindStringSubmatch(command)
	if dir == nil {
		t.Errorf("%s:%d: %s names no package", document, line, command)
		return
	}
	names, err := filepath.Glob(filepath.Join(root, dir[1], "*_test.go"))
	if err != nil || len(names) == 0 {
		t.Errorf("%s:%d: there are no tests in %s: %v", document, line, dir[1], err)
		return
	}
	var text strings.Builder
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	for _, m := range testName.FindAllStringSubmatch(command, -1) {
		if m[2] != "XXX" && !regexp.MustCompile(`\nfunc (Test|Benchmark)?\w*`+m[2]).MatchString(text.String()) {
			t.Errorf("%s:%d: %s has no test %s", document, line, dir[1], m[2])
		}
	}
}
