package lint

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#{1,6} +(.+?) *#*$`)
	codeTag = regexp.MustCompile("`[^`]*`")
)

// TestLinks follows every relative link of the documents: its file must be there,
// and the heading that its anchor names. Links to the web are not followed. Every
// page under docs/ has to be linked from the README.
func TestLinks(t *testing.T) {
	linked := map[string]bool{}
	pages := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && p != root || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			if rel, _ := filepath.Rel(root, p); filepath.Dir(rel) == "results" && d.Name() != "reference" {
				return filepath.SkipDir // of whoever runs this
			}
			return nil
		}
		if filepath.Ext(p) != ".md" {
			return nil
		}
		pages++
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "    ") {
				continue // code
			}
			for _, m := range link.FindAllStringSubmatch(codeTag.ReplaceAllString(line, ""), -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				file, anchor, _ := strings.Cut(m[1], "#")
				at := p
				if file != "" {
					at = filepath.Join(filepath.Dir(p), file)
				}
				if filepath.Base(p) == "README.md" && filepath.Dir(p) == root {
					linked[at] = true
				}
				if _, err := os.Stat(at); err != nil {
					t.Errorf("%s:%d: the link to %s leads nowhere", p, i+1, m[1])
				} else if anchor != "" && !anchors(t, at)[anchor] {
					t.Errorf("%s:%d: %s has no heading #%s", p, i+1, at, anchor)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(docs) == 0 || pages < len(docs)+3 {
		t.Fatalf("%d pages, %d of them in docs: %v", pages, len(docs), err)
	}
	for _, d := range docs {
		if !linked[d] {
			t.Errorf("README.md does not link %s", d)
		}
	}
}

// anchors are the headings of a page in the form that GitHub gives them.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		if m := heading.FindStringSubmatch(line); m != nil {
			all[slug(m[1])] = true
		}
	}
	return all
}

func slug(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

func TestSlug(t *testing.T) {
	for title, want := range map[string]string{
		"Add a kernel": "add-a-kernel", "[[space.stage]]": "spacestage", "Same bytes, twice": "same-bytes-twice",
	} {
		if got := slug(title); got != want {
			t.Errorf("slug(%q) = %q, want %q", title, got, want)
		}
	}
}
