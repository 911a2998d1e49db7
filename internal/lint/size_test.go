package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxColumns = 120 // characters of a line; a tab counts as one
	maxLines   = 80  // of a function, from func to its closing brace
)

// unfinished are the folders whose lines and functions are not yet of the size that is wanted; /... stands for those
// below one as well.
var unfinished = []string{}

// TestSizes wants short lines and short functions. Generated files are exempt. So is data: the rows of a table, that is
// the lines between the braces of a slice, array or map literal, unless a function stands there; the lines of a raw
// string; the output that an example is compared with. A function's length is counted without the data in it.
func TestSizes(t *testing.T) {
	open := map[string]int{}
	checked := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && p != root || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		found, err := oversized(p, string(text))
		if err != nil {
			return err
		}
		checked++
		rel = filepath.ToSlash(rel)
		for _, f := range found {
			dir := slices.IndexFunc(unfinished, func(dir string) bool {
				below, ok := strings.CutSuffix(dir, "/...")
				return dir == path.Dir(rel) || ok && within(path.Dir(rel), below)
			})
			if dir >= 0 {
				open[unfinished[dir]]++
				if testing.Verbose() {
					t.Logf("not yet: %s:%s", rel, f)
				}
				continue
			}
			t.Errorf("%s:%s", rel, f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 300 {
		t.Errorf("only %d files were looked at: is the tree where this test expects it?", checked)
	}
	for _, dir := range unfinished {
		if open[dir] == 0 {
			t.Errorf("%s is done: take it out of unfinished", dir)
		}
	}
}

// oversized lists the lines and functions of a file that are too long, with the number of their line.
func oversized(name, text string) (found []string, err error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || ast.IsGenerated(f) {
		return nil, err
	}
	data := dataLines(fset, f)
	for i, line := range strings.Split(text, "\n") {
		if n := utf8.RuneCountInString(line); n > maxColumns && !data[i+1] {
			found = append(found, fmt.Sprintf("%d: a line of %d columns, want at most %d", i+1, n, maxColumns))
		}
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		from, to := fset.Position(fn.Pos()).Line, fset.Position(fn.End()).Line
		n := 0
		for i := from; i <= to; i++ {
			if !data[i] {
				n++
			}
		}
		if n > maxLines {
			found = append(found, fmt.Sprintf("%d: %s has %d lines, want at most %d", from, fn.Name.Name, n, maxLines))
		}
	}
	return found, nil
}

// dataLines returns the lines of a file that hold data, as TestSizes says.
func dataLines(fset *token.FileSet, f *ast.File) map[int]bool {
	data := map[int]bool{}
	mark := func(from, to int, is bool) {
		for i := from; i <= to; i++ {
			data[i] = is
		}
	}
	line := func(p token.Pos) int { return fset.Position(p).Line }
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			mark(line(n.Pos())+1, line(n.End()), true) // more than one line: a raw string
		case *ast.CompositeLit:
			switch n.Type.(type) {
			case *ast.ArrayType, *ast.MapType:
				mark(line(n.Lbrace)+1, line(n.Rbrace)-1, true)
			}
		case *ast.FuncLit:
			mark(line(n.Pos()), line(n.End()), false)
		}
		return true
	})
	for _, c := range f.Comments {
		if strings.HasPrefix(c.Text(), "Output:") || strings.HasPrefix(c.Text(), "Unordered output:") {
			mark(line(c.Pos()), line(c.End()), true)
		}
	}
	return data
}

// TestSizesCatch plants a line and a function that are too long beside data that may be.
func TestSizesCatch(t *testing.T) {
	long := strings.Repeat("x", maxColumns)
	rows := strings.Repeat("\t\"\",\n", maxLines)
	for text, want := range map[string]string{
		"package x\n\n// " + long:                                         "3: a line of 123 columns, want at most 120",
		"package x\n\n// " + long[3:]:                                     "",
		"package x\n\nvar a = []string{\n\t\"" + long + "\",\n}":          "",
		"package x\n\nvar a = []string{\"" + long + "\"}":                 "3: a line of 140 columns, want at most 120",
		"package x\n\nvar a = `\n" + long + long + "`":                    "",
		"package x\n\nfunc f() {" + strings.Repeat("\n", 80) + "}":        "3: f has 81 lines, want at most 80",
		"package x\n\nfunc f() {" + strings.Repeat("\n", 79) + "}":        "",
		"package x\n\nfunc f() {\n\t_ = []string{\n" + rows + "\t}\n}":    "",
		"package x\n\nvar a = []func(){\n\tfunc() { " + long + "() },\n}": "4: a line of 135 columns, want at most 120",
		"// Code generated by x. DO NOT EDIT.\n\npackage x\n\n// " + long: "",
	} {
		found, err := oversized("x.go", text)
		if got := strings.Join(found, "; "); err != nil || got != want {
			t.Errorf("%.60q: found %q, %v, want %q", text, got, err, want)
		}
	}
}
