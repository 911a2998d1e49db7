package space

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
)

// domain is what a choice of a gene may be in a config, and the number that stands for
// it.
type domain struct {
	initial any                // the default, of the type of a choice
	valid   func(float64) bool // of numbers
	words   []string           // the valid words; the number of a word is its position
	want    string             // what is valid, for errors and the reference
}

func words(initial string, words []string) domain {
	return domain{initial: initial, words: words, want: oneOf(words)}
}

// integers is the domain of the whole numbers from lo to hi.
func integers(initial, lo, hi int) domain {
	return domain{initial: initial, valid: between(lo, hi), want: fmt.Sprintf("%d to %d", lo, hi)}
}

func between(lo, hi int) func(float64) bool {
	return func(v float64) bool { return float64(lo) <= v && v <= float64(hi) }
}

var (
	actWords = func() (words []string) {
		for _, f := range blocks.ActFuncs() {
			words = append(words, f.String())
		}
		return words
	}()
	actDomain    = words("relu6", actWords)
	kernelDomain = domain{initial: KernelSize(3), want: "1 to 31, or [height, width]",
		valid: func(v float64) bool { return KernelSize(v).valid() }}
	// uibKernelDomain has no convolution besides.
	uibKernelDomain = domain{initial: KernelSize(3), want: kernelDomain.want + ", or 0 (none) in a uib block",
		valid: func(v float64) bool { return v == 0 || kernelDomain.valid(v) }}
)

// number returns the number of a choice, an int, KernelSize, float64, string or bool.
func (d *domain) number(choice any) (v float64, ok bool) {
	switch x := choice.(type) {
	case string:
		i := slices.Index(d.words, x)
		return float64(i), i >= 0
	case bool:
		return bit(x), true
	case int:
		v = float64(x)
	case float64:
		v = x
	case KernelSize:
		v = float64(x)
	}
	return v, d.valid(v)
}

// numbers returns the numbers of a list of valid choices.
func (d *domain) numbers(list reflect.Value) (vs []float64) {
	for i := range list.Len() {
		v, _ := d.number(list.Index(i).Interface())
		vs = append(vs, v)
	}
	return vs
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// choice is the inverse of number: the choice of type t that has the number v.
func (d *domain) choice(v float64, t reflect.Type) reflect.Value {
	switch t.Kind() {
	case reflect.String:
		return reflect.ValueOf(d.words[int(v)])
	case reflect.Bool:
		return reflect.ValueOf(v == 1)
	}
	return reflect.ValueOf(v).Convert(t)
}

// text is a choice as a config and the description of a gene have it.
func text(choice any) string {
	if v, ok := choice.(float64); ok {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(choice)
}

// quoted is text with quotes around words.
func quoted(choice any) string {
	if s, ok := choice.(string); ok {
		return strconv.Quote(s)
	}
	return text(choice)
}

// listText is a list as a config has it.
func listText(list any) string {
	l := reflect.ValueOf(list)
	if l.Len() == 1 {
		return quoted(l.Index(0).Interface())
	}
	var parts []string
	for i := range l.Len() {
		parts = append(parts, quoted(l.Index(i).Interface()))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func oneOf(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return words[0]
}

// checker collects problems of a Spec and fills in defaults.
type checker struct{ problems []Problem }

func (c *checker) add(key, value, want string) {
	c.problems = append(c.problems, Problem{Key: "space" + key, Value: value, Want: want})
}

// addOf is add for a value that is wrong because of another one, at key of.
func (c *checker) addOf(key, of, value, want string) {
	c.problems = append(c.problems, Problem{Key: "space" + key, Of: "space" + of, Value: value, Want: want})
}

// word reports a value that is none of words.
func (c *checker) word(key, value string, words []string) {
	p := Problem{Key: "space" + key, Value: strconv.Quote(value), Want: oneOf(words), Words: words}
	c.problems = append(c.problems, p)
}

// clean reports whether no problem is with one of the keys, by their last parts.
func (c *checker) clean(keys ...string) bool {
	return !slices.ContainsFunc(c.problems, func(p Problem) bool {
		key := p.Key[strings.LastIndexByte(p.Key, '.')+1:]
		key, _, _ = strings.Cut(key, "[")
		return slices.Contains(keys, key)
	})
}

// choices checks a list of choices and gives it its default. list points to Ints,
// Floats, Strings or Bools.
func (c *checker) choices(key string, list any, d domain) {
	l := reflect.ValueOf(list).Elem()
	n := l.Len()
	if n == 0 {
		if !l.IsNil() {
			c.add(key, "[]", d.want+", or a list of choices")
		}
		l.Set(reflect.Append(reflect.Zero(l.Type()), reflect.ValueOf(d.initial)))
		return
	}
	if n > maxChoices {
		c.add(key, fmt.Sprintf("a list of %d", n), fmt.Sprintf("at most %d choices", maxChoices))
	}
	seen := map[any]bool{}
	for i := range n {
		v, at := l.Index(i).Interface(), key
		if n > 1 {
			at = fmt.Sprintf("%s[%d]", key, i+1)
		}
		_, ok := d.number(v)
		switch word, isWord := v.(string); {
		case !ok && isWord:
			c.word(at, word, d.words)
		case !ok:
			c.add(at, quoted(v), d.want)
		case seen[v]:
			c.add(at, quoted(v), "each choice once")
		}
		seen[v] = true
	}
}

// setting checks one word out of a list, of which the first is the default.
func (c *checker) setting(key string, v *string, words ...string) {
	if *v == "" {
		*v = words[0]
	} else if !slices.Contains(words, *v) {
		c.word(key, *v, words)
	}
}
