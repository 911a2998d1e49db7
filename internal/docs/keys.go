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

	"nas/search"
)

// A key is a field of a config type: what its comment and its tags say.
type key struct {
	name     string // in TOML
	goType   string
	meaning  string // Markdown
	fallback string // what the comment says of the default, "" if nothing
	unit     string // "" if the value is a count or a word
	example  string // TOML of a value
	with     string // a line of the same table that the example needs
	allowed  string // Markdown; "" if the decoder knows
	bad      string // TOML of a value that the decoder refuses by saying what is allowed
}

// sources are the files whose types the config is decoded into.
var sources = []string{"space/spec.go", "space/gene.go", "internal/config/config.go"}

// readTypes returns the keys of every struct type of the sources, by type name, in the
// order of the fields.
func readTypes(root string) (map[string][]key, error) {
	all := map[string][]key{}
	for _, file := range sources {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if t, ok := n.(*ast.TypeSpec); ok {
				if st, ok := t.Type.(*ast.StructType); ok {
					all[t.Name.Name] = readFields(st)
				}
			}
			return true
		})
	}
	return all, nil
}

func readFields(st *ast.StructType) []key {
	var keys []key
	names := map[string]string{} // of fields, in TOML
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		text, err := strconv.Unquote(f.Tag.Value)
		tag := reflect.StructTag(text)
		name, _, _ := strings.Cut(tag.Get("toml"), ",")
		if err != nil || name == "" {
			continue
		}
		k := key{name: name, goType: typeText(f.Type), unit: tag.Get("unit"), allowed: codeSpans(tag.Get("allowed")),
			example: quotes(tag.Get("example")), with: quotes(tag.Get("with")), bad: quotes(tag.Get("bad"))}
		if k.bad == "" {
			k.bad = types[k.goType].bad
		}
		k.meaning, k.fallback = splitDefault(strings.Join(strings.Fields(f.Doc.Text()), " "))
		names[f.Names[0].Name] = name
		keys = append(keys, k)
	}
	for i := range keys {
		keys[i].meaning = markdown(keys[i].meaning, names)
		keys[i].fallback = markdown(keys[i].fallback, names)
	}
	return keys
}

// quotes turns the single quotes of a tag into double ones.
func quotes(s string) string { return strings.ReplaceAll(s, "'", `"`) }

// codeSpan is code in a tag, which cannot hold a backquote.
var codeSpan = regexp.MustCompile(`{{(.*?)}}`)

// codeSpans turns {{code}} into Markdown, and {{algorithms}} into the names of the searchers.
func codeSpans(s string) string {
	return codeSpan.ReplaceAllStringFunc(s, func(m string) string {
		if m == "{{algorithms}}" {
			return "auto, " + strings.Join(search.Algorithms(), ", ")
		}
		return "`" + quotes(strings.Trim(m, "{}")) + "`"
	})
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

// defaultClause finds the sentence "Default X.", or "No default."
var defaultClause = regexp.MustCompile(`(?:^|\. )((?:Default|No default)\b:? ?)(.*?)\.?$`)

func splitDefault(text string) (meaning, value string) {
	m := defaultClause.FindStringSubmatchIndex(text)
	if m == nil {
		return text, ""
	}
	value = text[m[4]:m[5]]
	if strings.HasPrefix(text[m[2]:], "No default") {
		value = "none"
	}
	meaning = text[:m[0]]
	// A doc comment may go on behind the default.
	if dot := strings.Index(value, ". "); dot >= 0 {
		meaning, value = meaning+". "+value[dot+2:], value[:dot]
	}
	return meaning, value
}

var (
	allowedClause = regexp.MustCompile(`, (odd, )?\d+ to \d+(\.|$)`)
	subject       = regexp.MustCompile(`^[A-Z]\w+ (is|are|says|limits) `)
	word          = regexp.MustCompile(`\b[A-Z][A-Za-z0-9]+\b`)
)

// markdown writes names of fields as keys and leaves out ranges, which have a
// column of their own.
func markdown(text string, names map[string]string) string {
	text = allowedClause.ReplaceAllString(text, "$2")
	text = subject.ReplaceAllString(text, "")
	text = word.ReplaceAllStringFunc(text, func(w string) string {
		if n, ok := names[w]; ok {
			return "`" + n + "`"
		}
		return w
	})
	return strings.ReplaceAll(text, "|", `\|`)
}
