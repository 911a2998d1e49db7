package config

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Named is a value, or several by name. The single value has the name "".
type Named[T any] map[string]T

// All yields the entries in the order of their names.
func (n Named[T]) All() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, k := range n.Names() {
			if !yield(k, n[k]) {
				return
			}
		}
	}
}

// Names returns the names in alphabetical order.
func (n Named[T]) Names() []string { return slices.Sorted(maps.Keys(n)) }

// MarshalTOML writes the single value as such, several as an inline table.
func (n Named[T]) MarshalTOML() ([]byte, error) {
	if v, ok := n[""]; ok && len(n) == 1 {
		return []byte(strconv.Quote(fmt.Sprint(v))), nil
	}
	parts := make([]string, 0, len(n))
	for k, v := range n.All() {
		parts = append(parts, strconv.Quote(k)+" = "+strconv.Quote(fmt.Sprint(v)))
	}
	return []byte("{" + strings.Join(parts, ", ") + "}"), nil
}

// OfFleet is what stands in place of a profile's file, before the name of a worker, for the device of that worker.
const OfFleet = "fleet:"

// Duration is a time span written like "90s" or "10m". 0 means no limit.
type Duration time.Duration

// String returns Go's text of the duration.
func (d Duration) String() string { return time.Duration(d).String() }

func (d Duration) quoted() string { return strconv.Quote(d.String()) }

// MarshalText writes what ParseDuration reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// parse implements text.
func (d *Duration) parse(s string) error {
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf(`want a time such as "90s" or "10m"`)
	}
	*d = Duration(v)
	return nil
}

// Limit is a bound of a constraint: a value in the constraint's own unit (ms,
// bytes, a count, per cent), or Factor times the value of a reference network.
type Limit struct {
	Value  float64
	Factor float64 // used if Of is set
	Of     string  // a network, such as "mobilenet_v2@width=0.75"

	quantity quantity // of the unit as written; check compares it with the constraint's
	written  string   // until then
}

// quantity is what a unit measures.
type quantity string

const (
	anything quantity = ""
	duration quantity = `a time such as "25ms"`
	memory   quantity = `a memory size such as "320kB" or "1MiB"`
	count    quantity = `a number such as 5e6 or "5M"`
	percent  quantity = `a percentage such as 70 or "70%"`
)

// units are the endings that a limit may have and what they multiply, the
// longer ones first.
var units = []struct {
	suffix   string
	quantity quantity
	factor   float64
}{
	{"KiB", memory, 1 << 10}, {"MiB", memory, 1 << 20}, {"kB", memory, 1e3}, {"MB", memory, 1e6}, {"B", memory, 1},
	{"us", duration, 1e-3}, {"ms", duration, 1}, {"s", duration, 1e3}, {"%", percent, 1},
	{"k", count, 1e3}, {"M", count, 1e6}, {"G", count, 1e9},
}

const limitWant = `want a number above 0, or text such as "25ms", "320kB", "5M" or "1.2 mobilenet_v2"`

func (l *Limit) parse(s string) error {
	head, of, isRef := strings.Cut(strings.TrimSpace(s), " ")
	of = strings.TrimSpace(of)
	factor, q := 1.0, anything
	for _, u := range units {
		if isRef && of == u.suffix {
			factor, q, isRef = u.factor, u.quantity, false
			break
		}
		if n, ok := strings.CutSuffix(head, u.suffix); ok && !isRef {
			head, factor, q = n, u.factor, u.quantity
			break
		}
	}
	v, err := strconv.ParseFloat(head, 64)
	if err != nil || !(v > 0) || v > 1e18 {
		return errors.New(limitWant)
	}
	if isRef {
		*l = Limit{Factor: v, Of: of}
		return nil
	}
	*l = Limit{Value: v * factor, quantity: q, written: s}
	return nil
}

// number takes a plain number in the constraint's unit.
func (l *Limit) number(v float64) error {
	if !(v > 0) || v > 1e18 {
		return errors.New(limitWant)
	}
	*l = Limit{Value: v}
	return nil
}

// quoted is the text of the file, or "" where a number stands there.
func (l *Limit) quoted() string {
	if l.written == "" {
		return ""
	}
	return strconv.Quote(l.written)
}

// text is String, and "" for no limit.
func (l *Limit) text() string {
	if l == nil {
		return ""
	}
	return l.String()
}

// String returns what parse reads.
func (l Limit) String() string {
	if l.Of != "" {
		return strconv.FormatFloat(l.Factor, 'g', -1, 64) + " " + l.Of
	}
	return strconv.FormatFloat(l.Value, 'f', -1, 64)
}

// MarshalText writes String.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }
