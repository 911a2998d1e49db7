package runstore

import (
	"iter"
	"math"

	"nas/search"
)

// A Glance is a stored trial in short, for readers of a million of them: what
// most of these never need is passed over, not kept. It holds until the next one.
type Glance struct {
	ID           int
	ArchID, Arch []byte
	// Values are those of the keys that were asked for: the objective, or else the
	// part, of that name; NaN where the trial has neither.
	Values    []float64
	Violation float64
	Screened  bool
	Failed    bool

	keys  []string
	found []bool // among the objectives, which come before parts
	line  []byte
	at    place
}

// Feasible is [search.Result.Feasible].
func (g *Glance) Feasible() bool { return !g.Failed && g.Violation == 0 }

// Trial returns the whole trial. Damage to what was passed over shows here.
func (g *Glance) Trial() (search.Trial, error) {
	t, err := ParseTrial(g.line)
	if err != nil {
		err = g.at.damaged(err)
	}
	return t, err
}

// Glances is [ReadTrials] in short, at a fraction of its time.
func Glances(dir string, keys ...string) iter.Seq2[*Glance, error] {
	g := Glance{keys: keys, Values: make([]float64, len(keys)), found: make([]bool, len(keys))}
	return readFile(dir, func(line []byte, at place) (*Glance, int, error) {
		err := g.parse(line, at)
		return &g, g.ID, err
	})
}

func (g *Glance) parse(line []byte, at place) error {
	g.line, g.at = line, at
	g.ID, g.ArchID, g.Arch, g.Violation, g.Screened, g.Failed = 0, nil, nil, 0, false, false
	for i := range g.Values {
		g.Values[i], g.found[i] = math.NaN(), false
	}
	p := parser{rest: line}
	p.trial(func(key int) {
		switch key {
		case keyID:
			g.ID = p.integer()
		case keyArchID:
			g.ArchID = p.quoted()
		case keyArch:
			g.Arch = p.quoted()
		case keyObjectives, keyParts:
			p.object(func(name []byte) {
				i := 0
				for i < len(g.keys) && g.keys[i] != string(name) {
					i++
				}
				if i == len(g.keys) || g.found[i] {
					p.passValue()
					return
				}
				g.Values[i], g.found[i] = p.float(), key == keyObjectives
			})
		case keyViolation:
			g.Violation = p.float()
		case keyScreened:
			g.Screened = p.boolean()
		case keyFailed:
			g.Failed = len(p.quoted()) > 0
		case keyGenes, keyParents:
			p.passIntegers()
		case keyGeneration:
			p.integer()
		case keyViolations:
			p.object(func([]byte) { p.passValue() })
		case keyWarnings:
			p.array(func() { p.quoted() })
		}
	})
	return p.err
}

// passValue goes past a number, or the name of one that JSON lacks.
func (p *parser) passValue() {
	if p.space(); len(p.rest) > 0 && p.rest[0] == '"' {
		p.quoted()
	} else if len(p.number()) == 0 && p.err == nil {
		p.fail("%.12q stands where a number is wanted", p.rest)
	}
}

// passIntegers goes past an array of them.
func (p *parser) passIntegers() {
	if p.want('['); p.err != nil {
		return
	}
	for i, c := range p.rest {
		switch {
		case '0' <= c && c <= '9', c == ',', c == '-', c == ' ', c == '\n', c == '\t', c == '\r':
		case c == ']':
			p.rest = p.rest[i+1:]
			return
		default:
			p.fail("%.12q stands where an integer is wanted", p.rest[i:])
			return
		}
	}
	p.fail("an array has no end")
}
