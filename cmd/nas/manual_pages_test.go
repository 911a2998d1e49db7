package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checkOutput compares a fence "output" with what the last command of the block before it printed; "" if it was not
// run.
func (b *codeBlock) checkOutput(t *testing.T, file, printed string) {
	t.Helper()
	if b.lang != "output" || printed == "" {
		return
	}
	if k := firstUnlike(b.lines, strings.Split(printed, "\n")); k < len(b.lines) {
		t.Errorf("%s:%d: %q is not what the command prints next:\n%s", file, b.line+k, b.lines[k], printed)
	}
}

// firstUnlike returns the index of the first line of want that got has not, in its order; len(want) if it has all. A
// line "..." stands for any number of lines. Without one at the end want must go on to the end of got. How
// wide columns are set does not count.
func firstUnlike(want, got []string) int {
	at, free := 0, false
	for i, w := range want {
		if w == "..." {
			free = true
			continue
		}
		like := func(line string) bool { return slices.Equal(strings.Fields(line), strings.Fields(w)) }
		k := slices.IndexFunc(got[at:], like)
		if k < 0 || k > 0 && !free {
			return i
		}
		at, free = at+k+1, false
	}
	if rest := strings.TrimSpace(strings.Join(got[at:], "")); rest != "" && !free {
		return len(want) - 1
	}
	return len(want)
}

func TestFirstUnlike(t *testing.T) {
	got := []string{"a", "b ", "c", "d", ""}
	for want, at := range map[string]int{
		"a|b|c|d": 4, "a|...|d": 3, "...|c|...": 3, "...": 1,
		"a|c": 1, "a|b|c": 2, "...|x": 1, "...|c|b": 2, "b|...": 0,
	} {
		if k := firstUnlike(strings.Split(want, "|"), got); k != at {
			t.Errorf("%s: line %d is unlike, want %d", want, k, at)
		}
	}
}

// Every page of docs begins with a command and what it prints, before its first section.
func TestPagesBeginWithACommand(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(text), "\n## ")
		blocks := codeBlocks(head)
		if len(blocks) < 2 || !blocks[0].isShell() || blocks[1].lang != "output" && blocks[1].lang != "text" {
			t.Errorf("%s: does not begin with a command and its output, in a fence output, or text where it is not the "+
				"same everywhere", page)
		}
	}
}

// isTranslation reports whether a document is a Chinese one, README.zh.md of README.md.
func isTranslation(file string) bool { return strings.HasSuffix(file, ".zh.md") }

// section is a part of a document below one heading.
type section struct {
	line    int
	level   int
	code    []string // its lines of code, without comments
	figures []string // the numbers in its text, in order of size
}

var (
	number = regexp.MustCompile(`\d+(,\d{3})*(\.\d+)?`)
	// notText are parts of a line whose numbers are those of names: code, targets of links, addresses.
	notText = regexp.MustCompile("`[^`]*`|\\]\\([^)]*\\)|^\\s*\\d+\\. ")
	comment = regexp.MustCompile(`\s*(^|\s)(#|//).*$`)
)

// sections cuts a document at its headings.
func sections(text string) (all []section) {
	inCode := map[int]bool{}
	lines := strings.Split(text, "\n")
	blocks := codeBlocks(text)
	for _, b := range blocks {
		for i := range b.lines {
			inCode[b.line+i] = true
		}
	}
	all = append(all, section{line: 1})
	for i, line := range lines {
		s := &all[len(all)-1]
		switch {
		case inCode[i+1]:
			if code := strings.TrimSpace(comment.ReplaceAllString(line, "")); code != "" {
				s.code = append(s.code, code)
			}
		case strings.HasPrefix(line, "#"):
			all = append(all, section{line: i + 1, level: len(line) - len(strings.TrimLeft(line, "#"))})
		case strings.HasPrefix(line, "<!--") || strings.HasPrefix(line, "```"):
		default:
			s.figures = append(s.figures, number.FindAllString(notText.ReplaceAllString(line, " "), -1)...)
		}
	}
	for i := range all {
		slices.Sort(all[i].figures)
	}
	return all
}

// TestTranslations holds each translation to its document: the same sections in the same order, each with the same
// commands, outputs and figures.
func TestTranslations(t *testing.T) {
	top := filepath.Join("..", "..")
	found := 0
	for _, file := range manual(t, top) {
		if !isTranslation(file) {
			continue
		}
		found++
		var of [2][]section
		for k, name := range []string{strings.TrimSuffix(file, ".zh.md") + ".md", file} {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			of[k] = sections(string(text))
		}
		for _, d := range differences(of[0], of[1]) {
			t.Errorf("%s:%s", file, d)
		}
	}
	if found < 3 {
		t.Errorf("%d translations are found", found)
	}
}

// differences says where a translation is not in step, each with its line.
func differences(original, translation []section) (all []string) {
	for i, o := range original {
		if i >= len(translation) {
			return append(all, fmt.Sprintf("1: lacks the section of line %d", o.line))
		}
		s := translation[i]
		switch {
		case s.level != o.level:
			return append(all, fmt.Sprintf("%d: a heading of level %d, line %d has level %d", s.line, s.level, o.line, o.level))
		case !slices.Equal(s.code, o.code):
			all = append(all, fmt.Sprintf("%d: the code below is not that below line %d:\n%s", s.line, o.line,
				firstDifference(s.code, o.code)))
		case !slices.Equal(s.figures, o.figures):
			all = append(all, fmt.Sprintf("%d: figures %v, below line %d %v", s.line, s.figures, o.line, o.figures))
		}
	}
	if len(translation) > len(original) {
		all = append(all, fmt.Sprintf("%d: a section that the other has not", translation[len(original)].line))
	}
	return all
}

func firstDifference(got, want []string) string {
	for i, w := range want {
		if i >= len(got) {
			return "it lacks " + w
		}
		if got[i] != w {
			return fmt.Sprintf("%q, want %q", got[i], w)
		}
	}
	return "it has more: " + got[len(want)]
}

func TestDifferencesCatch(t *testing.T) {
	original := "# a\n\nIn 40 s, `x17` of [3](4.md), see:\n\n    nas zoo   # all\n\n## b\n\n7 of 8\n"
	for text, want := range map[string]int{
		"# 甲\n\n`x17` [3](5.md) 用 40 秒：\n\n    nas zoo   # 全部\n\n## 乙\n\n8 个中的 7 个\n": 0,
		"# 甲\n\n40 3\n\n    nas zoo\n\n## 乙\n\n8 个中的 6 个\n":                           1,
		"# 甲\n\n40 3\n\n    nas zoo --json\n\n## 乙\n\n8 7\n":                          1,
		"# 甲\n\n40 3\n\n    nas zoo\n\n### 乙\n\n8 7\n":                                1,
		"# 甲\n\n40 3\n\n    nas zoo\n":                                                1,
		"# 甲\n\n40 3\n\n    nas zoo\n\n## 乙\n\n8 7\n\n## 丙\n":                         1,
	} {
		if got := differences(sections(original), sections(text)); len(got) != want {
			t.Errorf("%q: %v, want %d differences", text, got, want)
		}
	}
}
