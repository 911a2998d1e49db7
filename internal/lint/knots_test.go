package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A knot is a set of files of one package that all depend on each other, directly or through others: a strongly
// connected component of the graph of files. Who changes one of them has to know all of them. A file depends on
// another if it uses a name that the other declares.

// maxKnot is the number of files that may depend on each other.
const maxKnot = 9

// largerKnots are the packages that may have a larger knot, each with its limit.
var largerKnots = map[string]int{
	"blocks/engine":       16, // one algorithm: each kind of unit registers itself in a table that all use
	"blocks/kernels":      15, // one algorithm: the drivers and the table of kernels
	"blocks/kernels/int8": 14, // the same for integers
	"blocks/pytorch":      10, // one table of ops
	"cmd/nas":             45, // commands of one program
}

// maxDependencies bounds the dependencies between the files of a package, summed over the packages that once were
// three: latency, accuracy and internal/run. Only files that others use count, so that a file that adds itself to a
// table, such as a new proxy, passes.
const maxDependencies = 240

// tangled are the folders that maxDependencies is about, with those below them.
var tangled = []string{
	"accuracy", "latency",
	"internal/audit", "internal/evaluator", "internal/feedback", "internal/improve", "internal/profiles", "internal/results",
	"internal/run", "internal/view", "internal/work",
}

func TestKnots(t *testing.T) {
	sum := 0
	for _, p := range load(t) {
		if !isProduct(p) {
			continue
		}
		dir := folderOf(p)
		files := fileGraph(p.Fset, p.Syntax, p.Types, p.TypesInfo)
		limit := maxKnot
		if n, ok := largerKnots[dir]; ok {
			limit = n
		}
		if k := largestKnot(files); len(k) > limit {
			t.Errorf("%s: %d files depend on each other, want at most %d: %s", dir, len(k), limit, strings.Join(k, " "))
		}
		if slices.ContainsFunc(tangled, func(f string) bool { return within(dir, f) }) {
			sum += files.edges()
		}
	}
	t.Logf("%d dependencies, at most %d", sum, maxDependencies)
	if sum > maxDependencies {
		t.Errorf("%d dependencies between files below %s, want at most %d",
			sum, strings.Join(tangled, ", "), maxDependencies)
	}
}

// graph holds, for each file, the files of the same package that it depends on.
type graph map[string]map[string]bool

// edges counts the dependencies of the files that another file depends on. Nobody has to know a file that none
// depends on, whatever it uses itself.
func (g graph) edges() (n int) {
	used := map[string]bool{}
	for _, to := range g {
		maps.Copy(used, to)
	}
	for from, to := range g {
		if used[from] {
			n += len(to)
		}
	}
	return n
}

// fileGraph finds which file of a package uses names of which: package-level names, fields and methods.
func fileGraph(fset *token.FileSet, files []*ast.File, pkg *types.Package, info *types.Info) graph {
	base := func(pos token.Pos) string { return filepath.Base(fset.Position(pos).Filename) }
	g := graph{}
	for _, f := range files {
		from := base(f.Pos())
		g[from] = map[string]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			o := info.Uses[id]
			if o == nil || o.Pkg() != pkg || !o.Pos().IsValid() {
				return true
			}
			switch o := o.(type) {
			case *types.PkgName, *types.Label:
				return true
			case *types.Var:
				if !o.IsField() && o.Parent() != pkg.Scope() {
					return true // local: the same file
				}
			}
			if to := base(o.Pos()); to != from {
				g[from][to] = true
			}
			return true
		})
	}
	return g
}

// largestKnot returns the files of the largest strongly connected component, sorted; nil if no two files depend on each
// other. A file's component is what it reaches and what reaches it.
func largestKnot(g graph) (best []string) {
	reach := map[string]map[string]bool{}
	for f := range g {
		reach[f] = map[string]bool{}
		todo := []string{f}
		for len(todo) > 0 {
			next := g[todo[len(todo)-1]]
			todo = todo[:len(todo)-1]
			for to := range next {
				if !reach[f][to] {
					reach[f][to] = true
					todo = append(todo, to)
				}
			}
		}
	}
	for _, f := range slices.Sorted(maps.Keys(g)) {
		var knot []string
		for to := range reach[f] {
			if reach[to][f] {
				knot = append(knot, to)
			}
		}
		if len(knot) > max(len(best), 1) {
			slices.Sort(knot)
			best = knot
		}
	}
	return best
}

// TestKnotsCatch plants three files that depend on each other in a circle, and one that only uses them and does not
// count.
func TestKnotsCatch(t *testing.T) {
	fset := token.NewFileSet()
	var files []*ast.File
	for name, text := range map[string]string{
		"a.go": "package x\nfunc a() { b() }",
		"b.go": "package x\nfunc b() { var v t; v.f = 1 }",
		"c.go": "package x\ntype t struct{ f int }\nfunc (t) m() { a() }",
		"d.go": "package x\nfunc d(b int) { a(); _ = b }",
	} {
		f, err := parser.ParseFile(fset, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	pkg, err := new(types.Config).Check("x", fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	g := fileGraph(fset, files, pkg, info)
	if got := strings.Join(largestKnot(g), " "); got != "a.go b.go c.go" || g.edges() != 3 {
		t.Errorf("the knot is %q among %v, want a.go b.go c.go", got, g)
	}
}
