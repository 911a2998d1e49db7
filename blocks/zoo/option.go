package zoo

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Option is a number of a network that a spec may set.
type Option struct {
	Name    string
	Default string // in canonical form
	Allowed string // in words

	// set stores the value and returns it in canonical form.
	set func(s *settings, text string) (canonical string, ok bool)
}

// settings are the values of all options; an entry reads those that it declares.
type settings struct {
	h, w         int
	width, depth float64
	classes      int
	channels     int // of the input, 3 if the entry has no such option
	outputStride int
	aspp         bool
}

// res is the input's extent: one number, or height x width.
func res(h, w int) Option { return resFrom(16, h, w) }

// resFrom is res with the smallest allowed extent.
func resFrom(least, h, w int) Option {
	text := func(h, w int) string {
		if h == w {
			return strconv.Itoa(h)
		}
		return fmt.Sprintf("%dx%d", h, w)
	}
	allowed := fmt.Sprintf("pixels, %d to 8192, or HEIGHTxWIDTH", least)
	return Option{"res", text(h, w), allowed, func(s *settings, v string) (string, bool) {
		a, b, two := strings.Cut(v, "x")
		if !two {
			b = a
		}
		h, err1 := strconv.Atoi(a)
		w, err2 := strconv.Atoi(b)
		s.h, s.w = h, w
		return text(h, w), err1 == nil && err2 == nil && min(h, w) >= least && max(h, w) <= 8192
	}}
}

func classes(n int) Option {
	return Option{"classes", strconv.Itoa(n), "a number from 1 to 100000", func(s *settings, v string) (string, bool) {
		n, err := strconv.Atoi(v)
		s.classes = n
		return strconv.Itoa(n), err == nil && n >= 1 && n <= 100000
	}}
}

// channels is the number of channels of the input.
func channels(n int) Option {
	const allowed = "the input's channels, 1 to 1024"
	return Option{"channels", strconv.Itoa(n), allowed, func(s *settings, v string) (string, bool) {
		n, err := strconv.Atoi(v)
		s.channels = n
		return strconv.Itoa(n), err == nil && n >= 1 && n <= 1024
	}}
}

// number is a factor of the network's size.
func number(name string, value float64, field func(s *settings) *float64) Option {
	return Option{name, format(value), "a factor from 0.05 to 10", func(s *settings, v string) (string, bool) {
		x, err := strconv.ParseFloat(v, 64)
		*field(s) = x
		return format(x), err == nil && x >= 0.05 && x <= 10
	}}
}

func width(value float64) Option {
	return number("width", value, func(s *settings) *float64 { return &s.width })
}

func depth(value float64) Option {
	return number("depth", value, func(s *settings) *float64 { return &s.depth })
}

// widthOf is a width option that takes only the values tabulated in the paper.
func widthOf(value float64, values ...float64) Option {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = format(v)
	}
	set := func(s *settings, v string) (string, bool) {
		x, err := strconv.ParseFloat(v, 64)
		s.width = x
		return format(x), err == nil && slices.Contains(values, x)
	}
	return Option{"width", format(value), "one of " + strings.Join(texts, ", "), set}
}

func outputStride(value int) Option {
	return Option{"os", strconv.Itoa(value), "8, 16 or 32", func(s *settings, v string) (string, bool) {
		s.outputStride, _ = strconv.Atoi(v)
		return v, v == "8" || v == "16" || v == "32"
	}}
}

func aspp(value bool) Option {
	return Option{"aspp", strconv.FormatBool(value), "true or false", func(s *settings, v string) (string, bool) {
		s.aspp = v == "true"
		return v, v == "true" || v == "false"
	}}
}

func format(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// allowed lists the options in words.
func (e *Entry) allowed() string {
	words := make([]string, len(e.Options))
	for i, o := range e.Options {
		words[i] = fmt.Sprintf("%s (%s; default %s)", o.Name, o.Allowed, o.Default)
	}
	return strings.Join(words, ", ")
}

// settings reads "name=value,name=value". All mistakes are reported.
func (e *Entry) settings(text string) (s settings, canonical string, err error) {
	values := map[string]string{}
	s.channels = 3
	for _, o := range e.Options {
		if _, ok := o.set(&s, o.Default); !ok {
			panic("zoo: " + e.Name + ": the default of option " + o.Name + " is not allowed")
		}
	}
	var errs []error
	for part := range strings.SplitSeq(text, ",") {
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(part, "=")
		i := slices.IndexFunc(e.Options, func(o Option) bool { return o.Name == name })
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s has no option %q, allowed: %s", e.Name, name, e.allowed()))
			continue
		}
		if _, twice := values[name]; twice {
			errs = append(errs, fmt.Errorf("option %s is given twice", name))
			continue
		}
		c, ok := e.Options[i].set(&s, value)
		if !ok {
			errs = append(errs, fmt.Errorf("option %s is %q, want %s", name, value, e.Options[i].Allowed))
		}
		values[name] = c
	}
	if len(errs) > 0 {
		return s, "", errors.Join(errs...)
	}
	var parts []string
	for _, o := range e.Options {
		if v, given := values[o.Name]; given && v != o.Default {
			parts = append(parts, o.Name+"="+v)
		}
	}
	return s, strings.Join(parts, ","), nil
}
