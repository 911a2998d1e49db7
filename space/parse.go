package space

import (
	"slices"
	"strings"

	"nas/internal/fault"
)

// maxText bounds the length of an arch string.
const maxText = 1 << 16

// Parse reads an arch string. It is strict: tokens must be known, in order and in their
// shortest form. If it returns no error, String of the result is s and Validate accepts the
// result. An error names the position in s, in bytes from 1.
func Parse(s string) (Arch, error) {
	if len(s) > maxText {
		return Arch{}, fault.Errorf("space: arch string has %d bytes, want at most %d", len(s), maxText)
	}
	p := parser{text: s, end: len(s)}
	a := p.arch()
	if p.err != nil {
		return Arch{}, p.err
	}
	if err := a.Validate(); err != nil {
		return Arch{}, err
	}
	return a, nil
}

func (p *parser) arch() (a Arch) {
	p.word()
	a.Input.H = p.number("the input's height")
	p.expect("x")
	a.Input.W = p.number("the input's width")
	p.expect("x")
	a.Input.C = p.number("the input's channels")
	p.done()
	for i := 0; p.err == nil; i++ {
		p.bar()
		if name := p.word(); slices.Contains(headWords, name) {
			a.Head = p.head()
			if p.err == nil && i == 0 {
				p.failf(p.at, "the head stands where the stem is expected: write - for a network without a stem")
			}
			if p.err == nil && p.at < len(p.text) {
				p.failf(p.at, "text after the head: %q", clip(p.text[p.at:]))
			}
			return a
		}
		bs := p.segment()
		if i == 0 {
			a.Stem = bs
		} else {
			a.Stages = append(a.Stages, bs)
		}
	}
	return a
}

// bar reads " | ".
func (p *parser) bar() {
	if p.err != nil {
		return
	}
	if !strings.HasPrefix(p.text[p.at:], " | ") {
		p.failf(p.at, "want \" | \" and a stage or the head, found %q", clip(p.text[p.at:]))
		return
	}
	p.at += 3
}

// segment reads the blocks of one stage.
func (p *parser) segment() (bs []Block) {
	if p.text[p.at:p.end] == "-" {
		p.at = p.end
		return nil
	}
	for p.err == nil {
		bs = append(bs, p.block())
		if p.err != nil || p.at >= len(p.text) || strings.HasPrefix(p.text[p.at:], " |") {
			break
		}
		p.at++ // the space
		p.word()
	}
	return bs
}

func (p *parser) block() (b Block) {
	start := p.at
	name := p.word()
	k := slices.Index(kindWords[:skip], name)
	if k < 0 {
		p.failf(start, "unknown block %q, want one of %s, or a head", clip(name), strings.Join(kindWords[:skip], ", "))
		return b
	}
	b.Kind = Kind(k)
	p.at += len(name)
	for i, n := range b.numbers() {
		blockTokens[i].parse(p, &b, n)
	}
	p.done()
	return b
}

func (p *parser) head() (h Head) {
	name := p.word()
	h.Kind = HeadKind(slices.Index(headWords, name))
	row := headTable[h.Kind]
	p.at += len(name)
	if row.bare {
		p.done()
		return h
	}
	if p.accept("_c") {
		h.Channels = p.number("channels")
	}
	if row.hidden && p.acceptNumbered("_h") {
		h.Hidden = p.number("hidden channels")
	}
	if row.rates && p.accept("_d") {
		h.Rates = append(h.Rates, p.least(2, "a dilation"))
		for p.accept(":") {
			h.Rates = append(h.Rates, p.least(2, "a dilation"))
		}
	}
	if row.low {
		p.expect("_t")
		h.Low = p.number("the number of a stage")
	}
	if h.acts() {
		p.expect("_")
		h.Activation = p.activation()
	}
	p.expect("_n")
	h.Classes = p.number("the number of classes")
	p.done()
	return h
}
