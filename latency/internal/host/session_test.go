package host

import "testing"

func TestSessionRestores(t *testing.T) {
	before := UsableCPUs()
	s := Open(1, nil)
	s.Close()
	if after := UsableCPUs(); len(after) != len(before) {
		t.Errorf("cores %v before a session, %v behind it", before, after)
	}
}
