package search

import "fmt"

// Random asks for independent samples of the space without repetition: the
// baseline that every other searcher must beat. It never waits.
type Random struct {
	proposer
	ahead int // candidates that may be open
}

// NewRandom returns a random searcher.
func NewRandom(setup Setup) (*Random, error) {
	p, err := newProposer(setup)
	if err != nil {
		return nil, err
	}
	return &Random{p, randomAhead}, nil
}

// String implements [Searcher].
func (s *Random) String() string { return fmt.Sprintf("random(%s)", s.settings()) }

// randomAhead is how many random candidates may be open by default. They do not
// depend on results, so it only bounds memory.
const randomAhead = 1024

// Ask implements [Searcher].
func (s *Random) Ask() (Candidate, State) {
	if s.asked-s.told >= s.ahead {
		return Candidate{}, Wait
	}
	return s.propose(0, nil)
}

// Tell implements [Searcher].
func (s *Random) Tell(t Trial) error { return s.tell(&t) }
