package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"nas/internal/tomlfile"
)

// A Problem is one thing wrong with a config.
type Problem struct {
	Line  int    // 0 if unknown
	Key   string // e.g. space.stage[2].kernel; entries are counted from 1
	Value string // as found; "" where there is none
	Want  string // what would be right
}

// String is the problem behind the name of the file: ":line: key = value: want ...".
func (p Problem) String() string {
	var sb strings.Builder
	sb.WriteByte(':')
	if p.Line > 0 {
		fmt.Fprintf(&sb, "%d:", p.Line)
	}
	switch {
	case p.Key == "":
	case p.Value == "":
		fmt.Fprintf(&sb, " %s:", printable(p.Key))
	default:
		fmt.Fprintf(&sb, " %s = %s:", printable(p.Key), p.Value)
	}
	return sb.String() + " " + strings.Map(visible, p.Want)
}

// oneBracket returns the header of a table, as [once] and as [[list]], if the one in a line stands in the other form
// somewhere before it.
func oneBracket(data []byte, line int) (once, list string) {
	lines := strings.Split(string(data), "\n")
	if line < 1 || line > len(lines) {
		return "", ""
	}
	m := header.FindStringSubmatch(lines[line-1])
	if m == nil {
		return "", ""
	}
	once, list = "["+m[2]+"]", "[["+m[2]+"]]"
	for _, l := range lines[:line-1] {
		switch before := header.FindStringSubmatch(l); {
		case before == nil:
		case before[2] == m[2] && before[1] != m[1]:
			return once, list
		case m[1] == "[[" && before[1] == "[" && strings.HasPrefix(before[2], m[2]+"."):
			return "[" + before[2] + "]", list
		}
	}
	return "", ""
}

var header = regexp.MustCompile(`^\s*(\[\[?)\s*([^\[\]]+?)\s*\]`)

// visible replaces characters that would move the cursor of a terminal.
func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// printable shortens a key, and quotes one that would disturb a terminal.
func printable(key string) string {
	const most = 100
	if len(key) > most {
		key = key[:most] + "..."
	}
	if q := strconv.Quote(key); strings.Contains(q, `\\`) {
		return q
	}
	return key
}

// Error is everything wrong with a config.
type Error struct {
	File     string
	Problems []Problem
}

// mostProblems is how many problems are listed.
const mostProblems = 20

// Error lists the problems, a line each, up to a number.
func (e *Error) Error() string {
	var lines []string
	for i, p := range e.Problems {
		if i == mostProblems {
			lines = append(lines, fmt.Sprintf("%s: and %d more", e.File, len(e.Problems)-i))
			break
		}
		lines = append(lines, e.File+p.String())
	}
	return strings.Join(lines, "\n")
}

// place finds the lines of problems, and sorts them by line.
func place(problems []Problem, lines tomlfile.Lines) {
	for i := range problems {
		problems[i].Line = lines.Of(problems[i].Key)
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
}

// Place puts the file and the line of a key before a message that begins with one.
func (c *Config) Place(message string) string {
	key := atStart.FindString(message)
	if key == "" || c.file == "" {
		return message
	}
	if line := c.lines.Of(key); line > 0 {
		return fmt.Sprintf("%s:%d: %s", c.file, line, message)
	}
	return c.file + ": " + message
}

var atStart = regexp.MustCompile(`^(space|latency|accuracy|constraints|search|output)(\.[a-z0-9_]+|\[\d+\])+`)

// Warn adds a warning about a value that is allowed and probably a slip. A [Check] may call it.
func (c *Config) Warn(key, value, why string) {
	c.warnings = append(c.warnings, Problem{Key: key, Value: value, Want: why})
}

// Warnings are values that are allowed and probably slips, in the order of their lines.
func (c *Config) Warnings() []Problem { return c.warnings }
