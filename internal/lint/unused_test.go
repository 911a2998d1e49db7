package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// unusedForAReason are exported names that nobody in this module uses outside their file, each with the reason why it
// is there.
var unusedForAReason = map[string]string{
	"latency.ErrNewer":               "for programs that tell a newer profile from a damaged one",
	"search.ConstraintStats.Binding": "for programs that act on what String says",
	"search.Front.Points":            "for programs that draw a front or compare it",
	"search.NSGA2.Population":        "what other implementations return, for comparisons with them",
}

// TestExportedNamesHaveUsers wants a user outside its file for every exported name: another file of its package,
// another package, a test of another package, or an example. The tests of its own package do not count: a name that
// only they use is not needed.
//
// What a user needs in order to name what it got is used too: the types in the signature of a function that is used, or
// of the fields of a struct that is. So are the constants of a type that is used, those declared in one group with one
// that is used, and the methods by which a type implements an interface.
func TestExportedNamesHaveUsers(t *testing.T) {
	ps := load(t)
	u := newUsage(ps)
	stale := map[string]bool{}
	for name := range unusedForAReason {
		stale[name] = true
	}
	for _, name := range u.unused() {
		if unusedForAReason[name] == "" {
			t.Errorf("%s has no user outside its file", name)
		}
		delete(stale, name)
	}
	for name := range stale {
		t.Errorf("unusedForAReason names %s, which is used or not there", name)
	}
}

// TestFieldsAreUsed wants the product to read or to set every field. Fields with a tag are used by who reads the tag.
func TestFieldsAreUsed(t *testing.T) {
	for _, name := range newUsage(load(t)).unusedFields() {
		t.Errorf("%s is neither read nor set", name)
	}
}

// usage says which names of the module are used. The maps have the positions of declarations as keys: these are the
// same in a package with its tests and without them.
type usage struct {
	fset       *token.FileSet
	packages   []*packages.Package           // without tests
	used       map[string]bool               // exported names
	fields     map[string]bool               // fields that the product names, or sets without their name
	interfaces map[string][]*types.Interface // by the names of their methods
}

func newUsage(ps []*packages.Package) *usage {
	errorType := types.Universe.Lookup("error").Type().Underlying().(*types.Interface)
	u := &usage{used: map[string]bool{}, fields: map[string]bool{}}
	u.interfaces = map[string][]*types.Interface{"Error": {errorType}}
	seen := map[*types.Package]bool{}
	for _, p := range ps {
		u.fset = p.Fset
		if isProduct(p) {
			u.packages = append(u.packages, p)
			u.findFields(p)
		}
		u.collectInterfaces(p.Types, seen)
		for id, o := range p.TypesInfo.Uses {
			if o.Exported() && o.Pos().IsValid() && u.counts(id, o) {
				u.used[u.at(o)] = true
			}
		}
	}
	// Names that are used make others needed, and these others again.
	for n := -1; n != len(u.used); {
		n = len(u.used)
		for _, p := range u.packages {
			for _, o := range exported(p.Types) {
				if u.used[u.at(o)] {
					u.need(o)
				}
			}
			for _, f := range p.Syntax {
				u.needConstants(f, p.TypesInfo)
			}
		}
	}
	return u
}

// at is the position of an object's declaration.
func (u *usage) at(o types.Object) string {
	if f, ok := o.(*types.Func); ok {
		o = f.Origin()
	}
	return u.fset.Position(o.Pos()).String()
}

// counts tells whether an identifier makes its object used.
func (u *usage) counts(id *ast.Ident, o types.Object) bool {
	from, to := u.fset.Position(id.Pos()).Filename, u.fset.Position(o.Pos()).Filename
	if from == to {
		return false
	}
	base := filepath.Base(from)
	ownTest := strings.HasSuffix(base, "_test.go") && filepath.Dir(from) == filepath.Dir(to)
	return !ownTest || strings.HasPrefix(base, "example")
}

// need marks the types that a user of o has to name.
func (u *usage) need(o types.Object) {
	if t, ok := o.(*types.TypeName); ok && !t.IsAlias() {
		if s, ok := t.Type().Underlying().(*types.Struct); ok {
			for f := range s.Fields() {
				if f.Exported() {
					u.needType(f.Type())
				}
			}
			return
		}
		u.needType(t.Type().Underlying())
		return
	}
	u.needType(o.Type())
}

// needConstants marks the constants of the groups in which one is used.
func (u *usage) needConstants(f *ast.File, info *types.Info) {
	for _, d := range f.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		var all []string
		for _, s := range group.Specs {
			for _, id := range s.(*ast.ValueSpec).Names {
				all = append(all, u.at(info.Defs[id]))
			}
		}
		if slices.ContainsFunc(all, func(at string) bool { return u.used[at] }) {
			for _, at := range all {
				u.used[at] = true
			}
		}
	}
}

func (u *usage) needType(t types.Type) {
	switch t := t.(type) {
	case *types.Named:
		u.used[u.at(t.Obj())] = true
		for a := range t.TypeArgs().Types() {
			u.needType(a)
		}
	case *types.Alias:
		u.used[u.at(t.Obj())] = true
		u.needType(t.Rhs())
	case *types.Pointer:
		u.needType(t.Elem())
	case *types.Slice:
		u.needType(t.Elem())
	case *types.Array:
		u.needType(t.Elem())
	case *types.Chan:
		u.needType(t.Elem())
	case *types.Map:
		u.needType(t.Key())
		u.needType(t.Elem())
	case *types.Signature:
		for v := range t.Params().Variables() {
			u.needType(v.Type())
		}
		for v := range t.Results().Variables() {
			u.needType(v.Type())
		}
	case *types.Interface:
		for m := range t.Methods() {
			u.needType(m.Type())
		}
	}
}

// exported returns the exported names of a package, and the exported methods of its types.
func exported(p *types.Package) (os []types.Object) {
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		if o.Exported() {
			os = append(os, o)
		}
		if t, ok := o.(*types.TypeName); ok && !t.IsAlias() {
			if n, ok := t.Type().(*types.Named); ok {
				for m := range n.Methods() {
					if m.Exported() {
						os = append(os, m)
					}
				}
			}
		}
	}
	return os
}

// unused lists the exported names without a user, as in "nas/blocks/engine.Plan.Kernels".
func (u *usage) unused() (names []string) {
	for _, p := range u.packages {
		if p.Name == "main" {
			continue
		}
		for _, o := range exported(p.Types) {
			if u.used[u.at(o)] || u.isOfUsedType(o) {
				continue
			}
			name := folderOf(p) + "." + o.Name()
			if m, ok := o.(*types.Func); ok && m.Signature().Recv() != nil {
				recv := receiver(m)
				if u.implements(recv, m.Name()) {
					continue
				}
				name = fmt.Sprintf("%s.%s.%s", folderOf(p), recv.Obj().Name(), m.Name())
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// findFields marks the fields that a package reads or sets.
func (u *usage) findFields(p *packages.Package) {
	for _, o := range p.TypesInfo.Uses {
		if v, ok := o.(*types.Var); ok && v.IsField() {
			u.fields[u.at(v.Origin())] = true
		}
	}
	for e, tv := range p.TypesInfo.Types {
		lit, ok := e.(*ast.CompositeLit)
		if !ok || len(lit.Elts) == 0 {
			continue
		}
		s, ok := tv.Type.Underlying().(*types.Struct)
		if _, keyed := lit.Elts[0].(*ast.KeyValueExpr); ok && !keyed {
			for f := range s.Fields() {
				u.fields[u.at(f.Origin())] = true
			}
		}
	}
}

// unusedFields lists the fields of named structs that the product neither reads nor sets.
func (u *usage) unusedFields() (names []string) {
	for _, p := range u.packages {
		for _, name := range p.Types.Scope().Names() {
			t, ok := p.Types.Scope().Lookup(name).(*types.TypeName)
			if !ok || t.IsAlias() {
				continue
			}
			s, ok := t.Type().Underlying().(*types.Struct)
			if !ok {
				continue
			}
			for i := range s.NumFields() {
				f := s.Field(i)
				if !f.Embedded() && f.Name() != "_" && s.Tag(i) == "" && !u.fields[u.at(f)] {
					names = append(names, folderOf(p)+"."+name+"."+f.Name())
				}
			}
		}
	}
	return names
}

// isOfUsedType tells whether o is a constant of a named type that is used.
func (u *usage) isOfUsedType(o types.Object) bool {
	c, ok := o.(*types.Const)
	if !ok {
		return false
	}
	n, ok := c.Type().(*types.Named)
	return ok && u.used[u.at(n.Obj())]
}

func receiver(m *types.Func) *types.Named {
	t := m.Signature().Recv().Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	return t.(*types.Named)
}

// implements tells whether a type has the method because of an interface. Package errors looks for the methods of
// errors by interfaces that have no name.
func (u *usage) implements(n *types.Named, method string) bool {
	if slices.Contains([]string{"As", "Is", "Unwrap"}, method) && u.implements(n, "Error") {
		return true
	}
	return slices.ContainsFunc(u.interfaces[method], func(i *types.Interface) bool {
		return types.Implements(n, i) || types.Implements(types.NewPointer(n), i)
	})
}

// collectInterfaces finds the interfaces of a package and of those that it imports, by the names of their methods.
func (u *usage) collectInterfaces(p *types.Package, seen map[*types.Package]bool) {
	if seen[p] {
		return
	}
	seen[p] = true
	for _, name := range p.Scope().Names() {
		t, ok := p.Scope().Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		if i, ok := t.Type().Underlying().(*types.Interface); ok {
			for m := range i.Methods() {
				u.interfaces[m.Name()] = append(u.interfaces[m.Name()], i)
			}
		}
	}
	for _, q := range p.Imports() {
		u.collectInterfaces(q, seen)
	}
}

// TestUnusedCatches plants a package with names that only its own file and its own test use, and a field without use.
func TestUnusedCatches(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module planted\n\ngo 1.26\n",
		"a/a.go": "package a\n\nfunc Used() Named { return Named{set: 1} }\n\nfunc Unused() {}\n\ntype Named struct{ set, lost int }\n\n" +
			"func (Named) Error() string { Unused(); return \"\" }\n\nfunc (Named) Lost() {}\n\nfunc OwnTest() {}\n",
		"a/a_test.go": "package a\n\nvar _ = OwnTest\n",
		"b/b.go":      "package b\n\nimport \"planted/a\"\n\nvar _ = a.Used()\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ps, err := loadFrom(dir)
	if err != nil {
		t.Fatal(err)
	}
	u := newUsage(ps)
	if got := strings.Join(u.unusedFields(), " "); got != "planted/a.Named.lost" {
		t.Errorf("found the fields %q, want planted/a.Named.lost", got)
	}
	got := strings.Join(u.unused(), " ")
	if want := "planted/a.Named.Lost planted/a.OwnTest planted/a.Unused"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}
