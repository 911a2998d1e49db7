package runstore

import (
	"iter"
	"math"

	"nas/search"
)

// A TrialView is what most readers need of a stored trial. Parsing it takes a
// fraction of the time of the whole trial, which counts where there are a million of
// them. It is valid until the iteration goes on.
type TrialView struct {
	ID           int
	ArchID, Arch []byte
	// Values are those of the keys that [TrialViews] was asked for, as [Number] gives
	// them.
	Values    []float64
	Violation float64
	Screened  bool
	Stopped   bool
	Failed    bool

	keys  []string
	found []bool // by key: the value is an objective, which counts before a part
	line  []byte
	at    location
}

// Feasible is [search.Result.Feasible].
func (v *TrialView) Feasible() bool { return !v.Failed && v.Violation == 0 && !v.Stopped }

// Trial parses the whole trial. It returns an error where a value is damaged that the
// view does not hold.
func (v *TrialView) Trial() (search.Trial, error) {
	t, err := ParseTrial(v.line)
	if err != nil {
		err = v.at.damaged(err)
	}
	return t, err
}

// TrialViews is [ReadTrials] for views, with the values of these keys.
func TrialViews(dir string, keys ...string) iter.Seq2[*TrialView, error] {
	v := TrialView{keys: keys, Values: make([]float64, len(keys)), found: make([]bool, len(keys))}
	return readFile(dir, func(line []byte, at location) (*TrialView, int, error) {
		err := v.parse(line, at)
		return &v, v.ID, err
	})
}

func (v *TrialView) parse(line []byte, at location) error {
	v.line, v.at = line, at
	v.ID, v.ArchID, v.Arch, v.Violation, v.Screened, v.Stopped, v.Failed = 0, nil, nil, 0, false, false, false
	for i := range v.Values {
		v.Values[i], v.found[i] = math.NaN(), false
	}
	p := parser{rest: line}
	p.trial(func(key int) {
		switch key {
		case keyID:
			v.ID = p.integer()
		case keyArchID:
			v.ArchID = p.quoted()
		case keyArch:
			v.Arch = p.quoted()
		case keyObjectives, keyParts:
			p.object(func(name []byte) {
				i := 0
				for i < len(v.keys) && v.keys[i] != string(name) {
					i++
				}
				if i == len(v.keys) || v.found[i] {
					p.passValue()
					return
				}
				v.Values[i], v.found[i] = p.float(), key == keyObjectives
			})
		case keyViolation:
			v.Violation = p.float()
		case keyScreened:
			v.Screened = p.boolean()
		case keyStopped:
			v.Stopped = p.boolean()
		case keyRungs:
			p.array(func() { p.passValue() })
		case keyFailed:
			v.Failed = len(p.quoted()) > 0
		case keyGenes, keyParents:
			p.passIntegers()
		case keyGeneration, keyContinues:
			p.integer()
		case keyViolations:
			p.object(func([]byte) { p.passValue() })
		case keyWarnings:
			p.array(func() { p.quoted() })
		}
	})
	p.checkArch(v.Arch, v.ArchID)
	return p.err
}

// passValue skips a number, or the string of one that JSON lacks.
func (p *parser) passValue() {
	if p.space(); len(p.rest) > 0 && p.rest[0] == '"' {
		p.quoted()
	} else if len(p.number()) == 0 && p.err == nil {
		p.fail("%.12q stands where a number is wanted", p.rest)
	}
}

// passIntegers skips an array of integers.
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
