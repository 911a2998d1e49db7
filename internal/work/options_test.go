package work

import (
	"context"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	var g Gate
	var none *Gate
	none.Wait(t.Context())
	g.Wait(t.Context()) // both are open
	g.Close()
	g.Close()
	passed := make(chan bool)
	go func() {
		g.Wait(t.Context())
		close(passed)
	}()
	for {
		if closed, waiting := g.State(); closed && waiting {
			break
		}
		time.Sleep(time.Millisecond)
	}
	select {
	case <-passed:
		t.Fatal("work passes a closed gate")
	case <-time.After(10 * time.Millisecond):
	}
	before := g.Held()
	g.Open()
	<-passed
	after := g.Held()
	time.Sleep(2 * time.Millisecond)
	if before < 10*time.Millisecond || after < before || g.Held() != after {
		t.Errorf("held for %v, then %v, open %v", before, after, g.Held())
	}
	g.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.Wait(ctx)
	if closed, waiting := g.State(); !closed || waiting {
		t.Errorf("closed %v, waiting %v", closed, waiting)
	}
}
