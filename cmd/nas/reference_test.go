package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manDir is where the release wants the manual pages and the completions of the shells.
var manDir = flag.String("man", "", "a folder to write the manual pages and the completions of the shells to")

// reference is the page that lists all commands.
func reference(root *cobra.Command, help string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Commands\n\n    nas --help\n\n```output\n%s\n```\n\n", strings.TrimSpace(help))
	b.WriteString("`make generate` writes this page from the program's own help: " +
		"`nas COMMAND --help` shows the same.\n\n| command | what it does |\n|---|---|\n")
	commands := visible(root)
	for _, c := range commands {
		anchor := strings.ReplaceAll(strings.ToLower(c.CommandPath()), " ", "-")
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", c.CommandPath(), anchor, strings.ReplaceAll(c.Short, "|", `\|`))
	}
	fmt.Fprintf(&b, "\nEvery command has the flags\n\n```text\n%s```\n", root.PersistentFlags().FlagUsages())
	for _, c := range commands {
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s\n", c.CommandPath(), c.UseLine())
		if c.Example != "" {
			fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(c.Example, "\n"))
		}
		b.WriteString("```\n\n")
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		fmt.Fprintf(&b, "```text\n%s\n```\n", strings.TrimSpace(text))
		if flags := c.NonInheritedFlags().FlagUsages(); flags != "" {
			fmt.Fprintf(&b, "\n```text\n%s```\n", flags)
		}
	}
	return b.Bytes()
}

// visible are the commands below root that do something and that the help lists, in its order.
func visible(root *cobra.Command) (all []*cobra.Command) {
	for _, c := range root.Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		all = append(all, c)
		all = append(all, visible(c)...)
	}
	return all
}

// TestReference compares docs/cli.md with what the commands say of themselves. -update writes it.
func TestReference(t *testing.T) {
	root := new(app).root()
	shells(root)
	_, help, _ := nas(t, "--help")
	got := reference(root, help)
	path := filepath.Join("..", "..", "docs", "cli.md")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/cli.md is not what the commands say: make generate")
	}
}

// TestManualPages writes the manual page of each command, and the completions of each shell. The release packs them.
func TestManualPages(t *testing.T) {
	dir := *manDir
	if dir == "" {
		dir = t.TempDir()
	}
	root := new(app).root()
	shells(root)
	date := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) // of all files of a release
	header := &doc.GenManHeader{Section: "1", Source: "nas", Manual: "nas", Date: &date}
	root.DisableAutoGenTag = true
	man := filepath.Join(dir, "man", "man1")
	if err := os.MkdirAll(man, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := doc.GenManTree(root, header, man); err != nil {
		t.Fatal(err)
	}
	for _, c := range visible(root) {
		page := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		if text, err := os.ReadFile(filepath.Join(man, page)); err != nil || !bytes.Contains(text, []byte(".SH SYNOPSIS")) {
			t.Errorf("%s: %v, %d bytes", page, err, len(text))
		}
	}
	shellDir := filepath.Join(dir, "completions")
	if err := os.MkdirAll(shellDir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(string) error{
		"nas.bash": func(f string) error { return root.GenBashCompletionFileV2(f, true) },
		"_nas":     root.GenZshCompletionFile,
		"nas.fish": func(f string) error { return root.GenFishCompletionFile(f, true) },
		"nas.ps1":  root.GenPowerShellCompletionFileWithDesc,
	} {
		if err := write(filepath.Join(shellDir, name)); err != nil {
			t.Error(err)
		}
	}
}
