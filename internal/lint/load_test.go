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

// loadFrom loads and type-checks the packages below a folder, tests included: a package with tests of its own comes
// twice, without them and with them.
func loadFrom(dir string) ([]*packages.Package, error) {
	return packages.Load(&packages.Config{
		Dir:   dir,
		Tests: true,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedForTest | packages.NeedImports |
			packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo,
	}, "./...")
}

// loaded are the packages of this module. Loading them takes seconds, so the tests share the result.
var loaded = sync.OnceValues(func() ([]*packages.Package, error) { return loadFrom(root) })

// load returns the packages of this module.
func load(t *testing.T) []*packages.Package {
	t.Helper()
	ps, err := loaded()
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
