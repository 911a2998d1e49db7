package lint

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/go/packages"
)

// root is the folder of the module.
var root = filepath.Join("..", "..")

// typed loads and type-checks the packages of the module, tests included: a package with tests of its own comes twice,
// without them and with them. It takes a second or two, so the tests share one result.
var typed = sync.OnceValues(func() ([]*packages.Package, error) {
	return packages.Load(&packages.Config{
		Dir:   root,
		Tests: true,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedForTest | packages.NeedImports |
			packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo,
	}, "./...")
})

// load returns the packages of the module.
func load(t *testing.T) []*packages.Package {
	t.Helper()
	ps, err := typed()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		for _, e := range p.Errors {
			t.Fatalf("%s: %v", p.ID, e)
		}
	}
	if len(ps) < 20 {
		t.Fatalf("only %d packages: is the module where this test expects it?", len(ps))
	}
	return ps
}

// folderOf returns a package's path below the module, as in "blocks/engine".
func folderOf(p *packages.Package) string { return strings.TrimPrefix(p.PkgPath, module+"/") }

// isProduct tells whether a package is loaded without test files.
func isProduct(p *packages.Package) bool {
	return p.ForTest == "" && !strings.HasSuffix(p.PkgPath, ".test")
}
