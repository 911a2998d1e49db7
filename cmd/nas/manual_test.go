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

// A codeBlock is indented or fenced text of a Markdown file.
type codeBlock struct {
	line  int // of its first line, from 1
	lang  string
	lines []string
	// notRun is the reason in a comment "<!-- not run: ... -->" in front of it.
	notRun string
}

var notRun = regexp.MustCompile(`^<!-- not run: (.+) -->$`)

// codeBlocks finds the code of a Markdown file: fences, and text indented by four
// spaces behind an empty line that is not part of a list.
func codeBlocks(text string) (all []codeBlock) {
	var b *codeBlock
	reason, list, fence := "", false, ""
	flush := func() {
		if b != nil {
			all = append(all, *b)
		}
		b = nil
	}
	previous := ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if trimmed == fence {
				fence = ""
				flush()
			} else {
				b.lines = append(b.lines, line)
			}
		case strings.HasPrefix(trimmed, "```"):
			flush()
			fence = "```"
			b = &codeBlock{line: i + 2, lang: strings.TrimPrefix(trimmed, "```"), notRun: reason}
			reason = ""
		case b != nil && (strings.HasPrefix(line, "    ") || trimmed == ""):
			b.lines = append(b.lines, strings.TrimPrefix(line, "    "))
		case b == nil && strings.HasPrefix(line, "    ") && previous == "" && !list:
			b = &codeBlock{line: i + 1, lines: []string{line[4:]}, notRun: reason}
			reason = ""
		default:
			flush()
			if m := notRun.FindStringSubmatch(trimmed); m != nil {
				reason = m[1]
			} else if trimmed != "" {
				reason = ""
			}
			if trimmed != "" {
				list = regexp.MustCompile(`^(\d+\.|[-*]) `).MatchString(trimmed) || list && strings.HasPrefix(line, " ")
			}
		}
		previous = trimmed
	}
	flush()
	return all
}

// words splits a line of shell into commands of words; pipes, && and ; end a
// command, a comment ends the line.
func words(line string) (commands [][]string, err error) {
	var cmd []string
	var w strings.Builder
	quote, inWord := rune(0), false
	end := func() {
		if inWord {
			cmd = append(cmd, w.String())
		}
		w.Reset()
		inWord = false
	}
	for _, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				w.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == '#' && !inWord:
			end()
			return append(commands, cmd), nil
		case r == '|' || r == ';' || r == '&':
			end()
			if len(cmd) > 0 {
				commands = append(commands, cmd)
			}
			cmd = nil
		case r == ' ' || r == '\t':
			end()
		default:
			w.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote is open")
	}
	end()
	if len(cmd) > 0 {
		commands = append(commands, cmd)
	}
	return commands, nil
}

// otherPrograms may stand in the documents; nothing is known of their flags.
var otherPrograms = []string{
	"adb", "ssh", "scp", "git", "sed", "grep", "xargs", "dot", "python3", "pip", "cd", "less", "sha256sum", "tar",
	"apt-get", "export", "openssl", "parallel",
}

var assignment = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*=`)

// program returns the words behind variables that are set for one command, and the program.
func program(cmd []string) (name string, args []string) {
	for len(cmd) > 0 && assignment.MatchString(cmd[0]) {
		cmd = cmd[1:]
	}
	if len(cmd) == 0 {
		return "", nil
	}
	return cmd[0], cmd[1:]
}

// isShell tells whether a block is commands: by its language, or because it
// begins with a program that is known here.
func (b *codeBlock) isShell() bool {
	if b.lang != "" {
		return b.lang == "sh" || b.lang == "bash" || b.lang == "console"
	}
	for _, line := range b.lines {
		cs, err := words(line)
		if err != nil || len(cs) == 0 || len(cs[0]) == 0 {
			continue
		}
		name, _ := program(cs[0])
		return slices.Contains([]string{"nas", "./nas", "make", "go"}, name) || slices.Contains(otherPrograms, name)
	}
	return false
}

// manual lists the documents.
func manual(t *testing.T, top string) (files []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", "results/reference/*.md", "latency/devices/*.md"} {
		m, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, m...)
	}
	if len(files) < 5 {
		t.Fatalf("only %v: are the documents where this test expects them?", files)
	}
	return files
}

// TestManual carries out the commands of the documents, each document in a
// directory of its own with configs/, results/mobile (a small run), phone.json (a
// profile), x.npy (an image for the run's networks) and photos (a picture). What nas ask writes is filled in.
// Behind a comment "<!-- not run: reason -->" a block is only parsed: its commands
// and flags must exist. TOML is decoded. A fence "output" behind a block is what its last command prints. A translation
// is only parsed: TestTranslations holds its commands to those of the document that it translates.
func TestManual(t *testing.T) {
	top, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	files := manual(t, top)
	whole, stage := t, ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(top, file)
		t.Run(filepath.ToSlash(rel), func(t *testing.T) {
			dir, printed := "", ""
			for _, b := range codeBlocks(string(text)) {
				if !b.isShell() {
					b.checkTOML(t, rel)
					b.checkOutput(t, rel, printed)
					continue
				}
				printed = ""
				for i, line := range b.lines {
					at := fmt.Sprintf("%s:%d: %s", rel, b.line+i, strings.TrimSpace(line))
					cs, err := words(line)
					if err != nil {
						t.Errorf("%s: %v", at, err)
						continue
					}
					for _, c := range cs {
						name, args := program(c)
						if err := checkCommand(top, name, args); err != nil {
							t.Errorf("%s: %v", at, err)
							continue
						}
						if name != "nas" && name != "./nas" || b.notRun != "" || testing.Short() || isTranslation(rel) {
							continue
						}
						if dir == "" {
							if stage == "" {
								stage = setStage(whole, top)
							}
							dir = t.TempDir()
							if err := os.CopyFS(dir, os.DirFS(stage)); err != nil {
								t.Fatal(err)
							}
							t.Chdir(dir)
						}
						code, stdout, stderr := nas(t, args...)
						if code != exitDone {
							t.Errorf("%s: exit code %d: %s", at, code, stderr)
						}
						printed = stdout
						if args[0] == "ask" {
							fillIn(t)
						}
					}
				}
			}
		})
	}
}
