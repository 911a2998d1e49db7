package config

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"nas/internal/tomlfile"
	"nas/space"
)

// decoder fills structs from a TOML tree by their toml tags. It collects all problems instead of
// stopping at the first.
type decoder struct {
	problems []Problem
	// unread are the keys whose values could not be read, and those that unknown keys stand for. The
	// config holds defaults for them, of which nothing is said.
	unread []string
	// written are the values as the file has them, by key.
	written map[string]string
}

// add reports a problem, unless it is with a value that nobody wrote.
func (d *decoder) add(key, value, want string) { d.addOf(key, "", value, want) }

// addOf is add for a value that another one, at key of, makes wrong.
func (d *decoder) addOf(key, of, value, want string) {
	if slices.ContainsFunc(d.unread, func(u string) bool { return related(u, key) || of != "" && related(u, of) }) {
		return
	}
	d.problems = append(d.problems, Problem{Key: key, Value: value, Want: want})
}

// refuse reports a value that cannot be read.
func (d *decoder) refuse(key, value, want string) {
	d.problems = append(d.problems, Problem{Key: key, Value: value, Want: want})
	d.unread = append(d.unread, key)
}

// related reports whether one of two keys holds the other.
func related(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '.' || b[len(a)] == '[')
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
	fields, zeros := map[string]reflect.Value{}, map[string]string{}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if key, _, _ := strings.Cut(tag.Get("toml"), ","); key != "" {
			fields[key], zeros[key] = v.Field(i), tag.Get("zero")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		at := join(path, key)
		if f, ok := fields[key]; ok {
			before := len(d.problems)
			d.value(at, tree[key], f)
			if is := zeros[key]; is != "" && f.IsZero() && len(d.problems) == before {
				d.refuse(at, "0", tomlfile.NoZero(is))
			}
			continue
		}
		keys := slices.Sorted(maps.Keys(fields))
		stands, text := meant(path, key, keys)
		if stands == "" {
			d.refuse(at, "", "unknown key, want one of "+strings.Join(keys, ", "))
			continue
		}
		d.refuse(at, "", "unknown key, did you mean "+text+"?")
		d.unread = append(d.unread, stands)
	}
}

func (d *decoder) value(path string, x any, dst reflect.Value) {
	d.written[path] = show(x)
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
		s, ok := x.(string)
		switch {
		case !ok:
			d.wrong(path, x, "text in quotes")
		case s == "":
			d.wrong(path, x, "a text, or no such line: its default then holds")
		default:
			dst.SetString(s)
		}
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
	case ok || strings.HasSuffix(path, "]"): // in a list
		d.wrong(path, x, "a whole number from 1 to 31, or [height, width]")
	default:
		d.wrong(path, x, "a whole number from 1 to 31")
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
		d.refuse(path, show(x), err.Error())
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
		d.wrong(path, x, "a value, or a table with one name and value, or more")
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

func (d *decoder) wrong(path string, x any, want string) { d.refuse(path, show(x), "want "+want) }

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
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		return "a list"
	case []map[string]any:
		return "a list"
	case time.Time:
		return "a date"
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
	}
	return fmt.Sprint(x)
}
