package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// A key is a field of a config type.
type key struct {
	name     string // in TOML
	goType   string
	meaning  string // Markdown
	fallback string // what the comment says of the default, "" if nothing
}

// sources are the files whose types the config is decoded into.
var sources = []string{"space/spec.go", "internal/config/config.go"}

// readTypes returns the keys of every struct type of the sources, by type name,
// in the order of the fields.
func readTypes(root string) (map[string][]key, error) {
	types := map[string][]key{}
	for _, file := range sources {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				if t, ok := s.(*ast.TypeSpec); ok {
					if st, ok := t.Type.(*ast.StructType); ok {
						types[t.Name.Name] = readFields(st)
					}
				}
			}
		}
	}
	return types, nil
}

func readFields(st *ast.StructType) []key {
	var keys []key
	names := map[string]string{} // of fields, in TOML
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		name := reflect.StructTag(tag).Get("toml")
		if err != nil || name == "" {
			continue
		}
		k := key{name: name, goType: typeText(f.Type)}
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		k.meaning, k.fallback = splitDefault(strings.Join(strings.Fields(text), " "))
		names[f.Names[0].Name] = name
		keys = append(keys, k)
	}
	for i := range keys {
		keys[i].meaning = markdown(keys[i].meaning, names)
		keys[i].fallback = markdown(keys[i].fallback, names)
	}
	return keys
}

func typeText(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return "*" + typeText(t.X)
	case *ast.ArrayType:
		return "[]" + typeText(t.Elt)
	case *ast.SelectorExpr:
		return typeText(t.X) + "." + t.Sel.Name
	case *ast.IndexExpr:
		return typeText(t.X) + "[" + typeText(t.Index) + "]"
	}
	return fmt.Sprintf("%T", e)
}

// defaultClause finds "default X" as the last clause of a trailing comment, or
// as a sentence of a doc comment.
var defaultClause = regexp.MustCompile(`(?:^|; |\. |, )((?:[Dd]efault|no default)\b:? ?)(.*?)\.?$`)

func splitDefault(text string) (meaning, value string) {
	m := defaultClause.FindStringSubmatchIndex(text)
	if m == nil {
		return text, ""
	}
	value = text[m[4]:m[5]]
	if strings.HasPrefix(text[m[2]:], "no default") {
		value = strings.TrimSpace("none " + value)
	}
	meaning = text[:m[0]]
	// A doc comment may go on behind the default.
	if dot := strings.Index(value, ". "); dot >= 0 {
		meaning, value = meaning+". "+value[dot+2:], value[:dot]
	}
	return meaning, value
}

var (
	allowedClause = regexp.MustCompile(`(, |; |^)(odd, )?\d+ to \d+(,|;|$)`)
	subject       = regexp.MustCompile(`^[A-Z]\w+ (is as|is|are) `)
	word          = regexp.MustCompile(`\b[A-Z][A-Za-z0-9]+\b`)
)

// markdown writes names of fields as keys and leaves out ranges, which have a
// column of their own.
func markdown(text string, names map[string]string) string {
	text = allowedClause.ReplaceAllString(text, "$3")
	text = strings.TrimLeft(text, ",; ")
	text = subject.ReplaceAllString(text, "")
	text = word.ReplaceAllStringFunc(text, func(w string) string {
		if n, ok := names[w]; ok {
			return "`" + n + "`"
		}
		return w
	})
	return strings.NewReplacer("|", `\|`, "[search.Algorithms]", "").Replace(text)
}
