package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"nas/internal/levenshtein"
	"nas/space"
)

// decoder fills structs from a TOML tree by their toml tags. It collects all problems instead of
// stopping at the first.
type decoder struct{ problems []Problem }

func (d *decoder) add(key, value, want string) {
	d.problems = append(d.problems, Problem{Key: key, Value: value, Want: want})
}

// text is implemented by value types that are written as text, and number by those that may also
// be written as a number.
type (
	text   interface{ parse(string) error }
	number interface{ number(float64) error }
)

// table fills the struct that dst points to.
func (d *decoder) table(path string, tree map[string]any, dst any) {
	v := reflect.ValueOf(dst).Elem()
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		fields[v.Type().Field(i).Tag.Get("toml")] = v.Field(i)
	}
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		at := key
		if path != "" {
			at = path + "." + key
		}
		f, ok := fields[key]
		if !ok {
			d.add(at, "", "unknown key"+didYouMean(key, slices.Sorted(maps.Keys(fields))))
			continue
		}
		d.value(at, tree[key], f)
	}
}

func (d *decoder) value(path string, x any, dst reflect.Value) {
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		dst = dst.Elem()
	}
	if t, ok := dst.Addr().Interface().(text); ok {
		d.scalar(path, x, t)
		return
	}
	switch dst.Kind() {
	case reflect.Struct:
		if tree, ok := x.(map[string]any); ok {
			d.table(path, tree, dst.Addr().Interface())
			return
		}
		d.wrong(path, x, "a table")
	case reflect.Map:
		d.named(path, x, dst)
	case reflect.Slice:
		d.list(path, x, dst)
	case reflect.String:
		if s, ok := x.(string); ok {
			dst.SetString(s)
			return
		}
		d.wrong(path, x, "text in quotes")
	case reflect.Bool:
		if b, ok := x.(bool); ok {
			dst.SetBool(b)
			return
		}
		d.wrong(path, x, "true or false")
	case reflect.Int:
		if k, ok := dst.Addr().Interface().(*space.KernelSize); ok {
			d.kernel(path, x, k)
			return
		}
		if n, ok := x.(int64); ok && !dst.OverflowInt(n) {
			dst.SetInt(n)
			return
		}
		d.wrong(path, x, "a whole number")
	case reflect.Uint64:
		if n, ok := x.(int64); ok && n >= 0 {
			dst.SetUint(uint64(n))
			return
		}
		d.wrong(path, x, "a whole number, 0 or more")
	case reflect.Float64:
		if f, ok := asFloat(x); ok {
			dst.SetFloat(f)
			return
		}
		d.wrong(path, x, "a number")
	default:
		panic("config: no rule for " + dst.Type().String())
	}
}

// kernel reads the size of a kernel: one number, or [height, width].
func (d *decoder) kernel(path string, x any, k *space.KernelSize) {
	pair, ok := x.([]any)
	if !ok {
		pair = []any{x, x}
	}
	var sides []int
	for _, side := range pair {
		if n, ok := side.(int64); ok && n >= math.MinInt16 && n <= math.MaxInt8 {
			sides = append(sides, int(n))
		}
	}
	switch {
	case len(sides) == 2 && sides[0] == sides[1]:
		*k = space.KernelSize(sides[0])
	case len(sides) == 2 && min(sides[0], sides[1]) > 0:
		*k = space.Rectangle(sides[0], sides[1])
	case ok:
		d.wrong(path, x, "a whole number up to 31, or [height, width]")
	case strings.HasSuffix(path, "]"): // in a list
		d.wrong(path, x, "a whole number, or [height, width]")
	default:
		d.wrong(path, x, "a whole number")
	}
}

// scalar reads a value type from its text, or from a number if the type takes one.
func (d *decoder) scalar(path string, x any, t text) {
	var err error
	n, isNumber := t.(number)
	f, ok := asFloat(x)
	switch s, isText := x.(string); {
	case isText:
		err = t.parse(s)
	case isNumber && ok:
		err = n.number(f)
	default:
		err = t.parse("")
	}
	if err != nil {
		d.add(path, show(x), err.Error())
	}
}

// named reads a [Named]: one value, or a table of values.
func (d *decoder) named(path string, x any, dst reflect.Value) {
	m := reflect.MakeMap(dst.Type())
	put := func(name, at string, x any) {
		v := reflect.New(dst.Type().Elem()).Elem()
		d.value(at, x, v)
		m.SetMapIndex(reflect.ValueOf(name), v)
	}
	tree, ok := x.(map[string]any)
	if !ok {
		put("", path, x)
	}
	for _, k := range slices.Sorted(maps.Keys(tree)) {
		put(k, path+"."+k, tree[k])
	}
	if ok && len(tree) == 0 {
		d.wrong(path, x, "a value, or a table with one or more of them")
		return
	}
	dst.Set(m)
}

// list reads a list; a single value is a list of one. Slices of structs are
// arrays of tables.
func (d *decoder) list(path string, x any, dst reflect.Value) {
	var items []any
	switch l := x.(type) {
	case []any:
		items = l
	case []map[string]any:
		for _, t := range l {
			items = append(items, t)
		}
	default:
		v := reflect.New(dst.Type().Elem()).Elem()
		before := len(d.problems)
		d.value(path, x, v)
		if n := len(d.problems) - 1; n == before && d.problems[n].Key == path {
			d.problems[n].Want += listToo(v)
		}
		dst.Set(reflect.Append(reflect.MakeSlice(dst.Type(), 0, 1), v))
		return
	}
	s := reflect.MakeSlice(dst.Type(), len(items), len(items))
	for i, item := range items {
		d.value(fmt.Sprintf("%s[%d]", path, i+1), item, s.Index(i))
	}
	dst.Set(s)
}

// listToo says that where a value like v may stand, a list may.
func listToo(v reflect.Value) string {
	if _, ok := v.Addr().Interface().(*space.KernelSize); ok {
		return ", or a list such as [3, 5, [10, 4]]"
	}
	return ", or a list of these"
}

func (d *decoder) wrong(path string, x any, want string) { d.add(path, show(x), "want "+want) }

func asFloat(x any) (float64, bool) {
	switch n := x.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n) && !math.IsInf(n, 0)
	}
	return 0, false
}

// show is a value as the file has it, shortened.
func show(x any) string {
	switch v := x.(type) {
	case string:
		if len(v) > 60 {
			v = v[:60] + "..."
		}
		return strconv.Quote(v)
	case map[string]any:
		return "a table"
	case []map[string]any, []any:
		return "a list"
	}
	return fmt.Sprint(x)
}

// didYouMean suggests the nearest of words, or lists them all.
func didYouMean(key string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if n := levenshtein.Distance(key, w); n < least {
			best, least = w, n
		}
	}
	if best != "" {
		return ", did you mean " + best + "?"
	}
	return ", want one of " + strings.Join(words, ", ")
}
