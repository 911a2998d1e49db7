package tomlfile

import (
	"fmt"
	"math"
	"strings"
)

// Lines maps the path of a key, such as "space.stage[2].kernel[1]", to its line. Entries are counted
// from 1, and so are lines. The TOML package gives positions of syntax errors only.
type Lines map[string]int

// Of returns the line of a key, or of the nearest table around it, or 0 if the file has neither.
func (l Lines) Of(key string) int {
	for key != "" {
		if n, ok := l[key]; ok {
			return n
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 0
}

// LinesOf finds the keys of a text that [Decode] has read.
func LinesOf(data []byte) Lines {
	s := scanner{data: data, line: 1, lines: Lines{}, counts: map[string]int{}, most: math.MaxInt}
	s.scan()
	return s.lines
}

// scan reads the whole text, which need not be valid TOML.
func (s *scanner) scan() {
	table := ""
	for s.problem == "" {
		s.blank(true)
		switch {
		case s.done():
			return
		case s.peek() == '[':
			table = s.header()
		default:
			s.pair(table)
		}
	}
}

type scanner struct {
	data   []byte
	at     int
	line   int
	lines  Lines          // nil: only the limits are checked
	counts map[string]int // entries of each array of tables so far

	depth, values, most int    // open lists and tables, keys and entries so far, and how many there may be
	problem             string // the limit that was passed, at line
}

// stop ends the scan.
func (s *scanner) stop(format string, args ...any) {
	if s.problem == "" {
		s.problem = fmt.Sprintf(format, args...)
		s.data = s.data[:min(s.at, len(s.data))]
	}
}

func (s *scanner) done() bool { return s.at >= len(s.data) }

func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.data[s.at]
}

func (s *scanner) next() byte {
	c := s.peek()
	if c == '\n' {
		s.line++
	}
	s.at++
	return c
}

// blank skips spaces and comments, and line ends if asked to.
func (s *scanner) blank(lineEnds bool) {
	for !s.done() {
		switch c := s.peek(); {
		case c == '#':
			for !s.done() && s.peek() != '\n' {
				s.at++
			}
		case c == ' ' || c == '\t' || lineEnds && (c == '\n' || c == '\r'):
			s.next()
		default:
			return
		}
	}
}

// record notes the line of a path, the first time it is seen.
func (s *scanner) record(path string) {
	if s.values++; s.values > s.most {
		s.stop("the text has more than %d values", s.most)
	}
	if s.lines == nil {
		return
	}
	if _, ok := s.lines[path]; !ok {
		s.lines[path] = s.line
	}
}

// header reads [a.b] or [[a.b]] and returns the path of the table.
func (s *scanner) header() string {
	s.next()
	array := s.peek() == '['
	if array {
		s.next()
	}
	parts := s.key(']')
	for s.peek() == ']' {
		s.next()
	}
	path := ""
	for i, p := range parts {
		path = s.dotted(path, p)
		last := i == len(parts)-1
		if array && last {
			s.counts[path]++
			s.record(path)
		}
		if n := s.counts[path]; n > 0 && s.lines != nil {
			path = fmt.Sprintf("%s[%d]", path, n)
		}
		s.record(path)
	}
	return path
}

func (s *scanner) dotted(path, key string) string {
	if path == "" || s.lines == nil {
		return key
	}
	return path + "." + key
}

// key reads a dotted key up to the byte end.
func (s *scanner) key(end byte) []string {
	var parts []string
	for {
		s.blank(false)
		var b strings.Builder
		if c := s.peek(); c == '"' || c == '\'' {
			s.next()
			for !s.done() && s.peek() != c {
				b.WriteByte(s.next())
			}
			s.next()
		} else {
			for !s.done() && !strings.ContainsRune(" \t\r\n.=]", rune(s.peek())) {
				b.WriteByte(s.next())
			}
		}
		if parts = append(parts, b.String()); len(parts) > maxDepth {
			s.stop("a key has more than %d parts", maxDepth)
		} else if b.Len() > maxKey {
			s.stop("a key has more than %d bytes", maxKey)
		}
		s.blank(false)
		if s.peek() != '.' || s.peek() == end {
			return parts
		}
		s.next()
	}
}

// pair reads "key = value" of a table.
func (s *scanner) pair(table string) {
	path := table
	for _, p := range s.key('=') {
		path = s.dotted(path, p)
		s.record(path)
	}
	s.blank(false)
	if s.next() == '=' {
		s.blank(false)
		s.value(path)
	}
}

// value skips a value and records the paths inside it.
func (s *scanner) value(path string) {
	if s.depth++; s.depth > maxDepth {
		s.stop("lists and tables are nested more than %d deep", maxDepth)
	}
	defer func() { s.depth-- }()
	switch c := s.peek(); c {
	case '[':
		s.next()
		for i := 1; ; i++ {
			s.blank(true)
			if s.peek() == ']' || s.done() {
				s.next()
				return
			}
			at := path
			if s.lines != nil {
				at = fmt.Sprintf("%s[%d]", path, i)
			}
			s.record(at)
			begin := s.at
			if s.value(at); s.at == begin {
				s.next() // a stray bracket
			}
			s.separator()
		}
	case '{':
		s.next()
		for {
			s.blank(true)
			if s.peek() == '}' || s.done() {
				s.next()
				return
			}
			s.pair(path)
			s.separator()
		}
	case '"', '\'':
		s.str(c)
	default:
		for !s.done() && !strings.ContainsRune(",]}#\n", rune(s.peek())) {
			s.next()
		}
	}
}

func (s *scanner) separator() {
	s.blank(true)
	if s.peek() == ',' {
		s.next()
	}
}

// str skips a string of any of the four kinds.
func (s *scanner) str(quote byte) {
	end := string(quote)
	if triple := strings.Repeat(end, 3); strings.HasPrefix(string(s.data[s.at:min(s.at+3, len(s.data))]), triple) {
		end = triple
	}
	s.at += len(end)
	for !s.done() {
		if s.peek() == '\\' && quote == '"' {
			s.next()
			s.next()
			continue
		}
		if strings.HasPrefix(string(s.data[s.at:min(s.at+len(end), len(s.data))]), end) {
			s.at += len(end)
			return
		}
		s.next()
	}
}
