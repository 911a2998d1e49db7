package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestErrorsKnowTheirPackage wants errors whose text begins with the name of a package to be those
// of internal/fault, which can take it off again.
func TestErrorsKnowTheirPackage(t *testing.T) {
	packages := map[string]bool{}
	files := map[string]*ast.File{}
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != root || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files[p] = f
		packages[filepath.Base(filepath.Dir(p))] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			fun, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, _ := fun.X.(*ast.Ident)
			if from == nil || from.Name+"."+fun.Sel.Name != "fmt.Errorf" && from.Name+"."+fun.Sel.Name != "errors.New" {
				return true
			}
			first := call.Args[0]
			for sum, ok := first.(*ast.BinaryExpr); ok; sum, ok = first.(*ast.BinaryExpr) {
				first = sum.X
			}
			text, _ := first.(*ast.BasicLit)
			if text == nil || text.Kind != token.STRING {
				return true
			}
			value, _ := strconv.Unquote(text.Value)
			if name, _, ok := strings.Cut(value, ": "); ok && packages[name] {
				t.Errorf("%s: an error of package %s is to be made by fault.Errorf or fault.New", set.Position(call.Pos()), name)
			}
			return true
		})
	}
}
