package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// publicPackages are the folders that others may import.
func publicPackages(t *testing.T) (dirs []string) {
	t.Helper()
	for _, top := range []string{"accuracy", "blocks", "latency", "search", "space"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() {
				return nil
			}
			if n := d.Name(); n == "testdata" || n == "internal" {
				return filepath.SkipDir
			}
			if gos, _ := filepath.Glob(filepath.Join(p, "*.go")); len(gos) > 0 {
				dirs = append(dirs, p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(dirs) < 10 {
		t.Fatalf("only %v: are the packages where this test expects them?", dirs)
	}
	return dirs
}

// parseDir parses the files of a folder.
func parseDir(t *testing.T, dir string, fset *token.FileSet) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if files[name], err = parser.ParseFile(fset, name, text, parser.ParseComments); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestExportedNamesAreDocumented wants a comment on every exported function,
// method, type, variable and constant of the public packages, and on the package.
// One comment may stand above a group.
func TestExportedNamesAreDocumented(t *testing.T) {
	for _, dir := range publicPackages(t) {
		fset := token.NewFileSet()
		hasDoc := false
		for name, f := range parseDir(t, dir, fset) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			hasDoc = hasDoc || f.Doc != nil
			for _, missing := range undocumented(f) {
				t.Errorf("%s: %s has no comment", fset.Position(missing.Pos()), missing.Name)
			}
		}
		if !hasDoc {
			t.Errorf("%s: the package has no comment", dir)
		}
	}
}

func undocumented(f *ast.File) (missing []*ast.Ident) {
	want := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		for _, d := range docs {
			if d != nil {
				return
			}
		}
		if id.IsExported() {
			missing = append(missing, id)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || exportedReceiver(d.Recv) {
				want(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					want(s.Name, s.Doc, s.Comment, d.Doc)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						want(id, s.Doc, s.Comment, d.Doc)
					}
				}
			}
		}
	}
	return missing
}

func exportedReceiver(r *ast.FieldList) bool {
	e := r.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// TestPublicPackagesHaveExamples wants a function Example... with an output that is
// compared, in every public package.
func TestPublicPackagesHaveExamples(t *testing.T) {
	for _, dir := range publicPackages(t) {
		found := false
		for name, f := range parseDir(t, dir, token.NewFileSet()) {
			if !strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Example") {
					continue
				}
				for _, c := range f.Comments {
					if c.Pos() > fn.Body.Pos() && c.End() < fn.Body.End() && strings.HasPrefix(c.Text(), "Output:") {
						found = true
					}
				}
			}
		}
		if !found {
			t.Errorf("%s: no example with an output", dir)
		}
	}
}

func TestUndocumentedCatches(t *testing.T) {
	const text = "package x\n\nfunc A() {}\n\n// B does.\nfunc B() {}\n\ntype c struct{}\n\nfunc (c) D() {}\n\n" +
		"const (\n\tE = 1 // one\n\tF = 2\n)\n"
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, id := range undocumented(f) {
		got = append(got, id.Name)
	}
	if strings.Join(got, " ") != "A F" {
		t.Errorf("found %v, want A F", got)
	}
}
