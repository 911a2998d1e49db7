package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// blockSource declares the kinds of blocks.
const blockSource = "space/block.go"

// renderKinds writes the table of the kinds of blocks. Their names and the keys that they
// read are asked of the decoder; what they are is in the comments of the constants.
func renderKinds(root string, choice, stage []key) (string, error) {
	comments, err := kindComments(root)
	if err != nil {
		return "", err
	}
	words, err := askAllowed("space.stage.block", `"?"`, "")
	if err != nil {
		return "", err
	}
	words = strings.TrimPrefix(words, "one of ")
	kinds := strings.Split(strings.ReplaceAll(words, " or ", ", "), ", ")
	if i := slices.IndexFunc(kinds, func(k string) bool { return strings.ContainsAny(k, " \"") }); i >= 0 {
		return "", fmt.Errorf("%q is no kind of block", kinds[i])
	}
	if len(kinds) != len(comments) {
		return "", fmt.Errorf("%d kinds of blocks, but %d constants", len(kinds), len(comments))
	}
	var common []string // keys of all kinds but skip
	own := map[string][]string{}
	for _, k := range choice {
		i := slices.IndexFunc(stage, func(s key) bool { return s.name == k.name })
		want, _ := refusal("space.stage."+k.name, stage[i].example, `block = "skip"`)
		_, users, ok := strings.Cut(want, "(")
		if !ok {
			continue // the block itself
		}
		users = strings.ReplaceAll(strings.TrimSuffix(users, " does)"), " or ", ", ")
		of := strings.Split(users, ", ")
		if len(of) == len(kinds)-1 {
			common = append(common, k.name)
			continue
		}
		for _, kind := range of {
			own[kind] = append(own[kind], "`"+k.name+"`")
		}
	}
	var sb strings.Builder
	fmt.Fprintf(&sb, "| block | what it is | reads beyond %s |\n|---|---|---|\n", strings.Join(common, ", "))
	for i, kind := range kinds {
		fmt.Fprintf(&sb, "| `%s` | %s | %s |\n", kind, comments[i], strings.Join(own[kind], ", "))
	}
	return sb.String(), nil
}

// blockDecls returns the declarations of blockSource of one kind.
func blockDecls(root string, tok token.Token) (decls []*ast.GenDecl, err error) {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, blockSource), nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == tok {
			decls = append(decls, g)
		}
	}
	return decls, nil
}

// kindComments returns the comments of the constants of type Kind, in order.
func kindComments(root string) (comments []string, err error) {
	decls, err := blockDecls(root, token.CONST)
	for _, g := range decls {
		if first := g.Specs[0].(*ast.ValueSpec); first.Type == nil || typeText(first.Type) != "Kind" {
			continue
		}
		for _, s := range g.Specs {
			text := strings.Join(strings.Fields(s.(*ast.ValueSpec).Doc.Text()), " ")
			comments = append(comments, strings.TrimSuffix(text, "."))
		}
	}
	return comments, err
}

// grammar returns the text form of a block: the indented part of the comment of Block.
func grammar(root string) (string, error) {
	decls, err := blockDecls(root, token.TYPE)
	var sb strings.Builder
	for _, g := range decls {
		if g.Specs[0].(*ast.TypeSpec).Name.Name != "Block" {
			continue
		}
		for line := range strings.Lines(g.Doc.Text()) {
			if code, ok := strings.CutPrefix(line, "\t"); ok {
				sb.WriteString("    " + code)
			}
		}
	}
	return sb.String(), err
}
