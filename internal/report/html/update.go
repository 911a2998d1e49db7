package html

import "encoding/json"

// Update is what a live page gets again and again: the state of the run, and the
// trials that the page does not have yet. It is encoded as page/live.js reads it.
type Update struct {
	Run     string // tells one run from the next that the same server shows
	Step    string // "search", "measure" ...
	Detail  string // "1200 of 4000"
	Done    int    // of Total; that is 0 if it is unknown
	Total   int
	State   string // "running", "pausing", "paused", "stopping", "ended"
	Next    int    // milliseconds until the page should ask again
	Ended   bool   // the report of the finished run is there
	From    int    // index of the first of Trials
	Of      int    // trials that there are; until the page has all of them Members is empty
	Curves  int    // grows with the learning curves; 0: there are none
	Trials  []Trial
	Members []Member // of the front as it is now, without Network
}

// trialColumns are trials in columns.
type trialColumns struct {
	ID     []int    `json:"id"`
	ArchID []string `json:"arch_id"`
	X      []short  `json:"x"`
	Y      []short  `json:"y"`
	Params []int64  `json:"params"`
	MACs   []int64  `json:"macs"`
	OK     []int    `json:"ok"`
}

func (c *trialColumns) add(t Trial) {
	c.ID, c.ArchID = append(c.ID, t.ID), append(c.ArchID, t.ArchID)
	c.X, c.Y = append(c.X, short(t.X)), append(c.Y, short(t.Y))
	c.Params, c.MACs = append(c.Params, t.Params), append(c.MACs, t.MACs)
	ok := 0
	if t.Feasible {
		ok = 1
	}
	c.OK = append(c.OK, ok)
}

// MarshalJSON implements [json.Marshaler].
func (u Update) MarshalJSON() ([]byte, error) {
	out := struct {
		Run     string       `json:"run"`
		Step    string       `json:"step"`
		Detail  string       `json:"detail"`
		Done    int          `json:"done"`
		Total   int          `json:"total"`
		State   string       `json:"state"`
		Next    int          `json:"next"`
		Ended   bool         `json:"ended"`
		From    int          `json:"from"`
		Of      int          `json:"of"`
		Curves  int          `json:"curves"`
		Trials  trialColumns `json:"trials"`
		Archs   []string     `json:"archs"`
		Members []memberData `json:"members"`
	}{
		Run: u.Run, Step: u.Step, Detail: u.Detail, Done: u.Done, Total: u.Total, State: u.State,
		Next: u.Next, Ended: u.Ended, From: u.From, Of: u.Of, Curves: u.Curves,
		Archs: []string{}, Members: []memberData{},
	}
	for _, t := range u.Trials {
		out.Trials.add(t)
		out.Archs = append(out.Archs, t.Arch)
	}
	for _, m := range u.Members {
		out.Members = append(out.Members, m.data())
	}
	return json.Marshal(out)
}

// MarshalJSON implements [json.Marshaler]. The encoding is that of page/live.js.
func (n Network) MarshalJSON() ([]byte, error) {
	out := struct {
		Rows   [][]any `json:"rows"`
		Layers [][]any `json:"layers"`
	}{[][]any{}, [][]any{}}
	for _, r := range n.Diagram.Rows {
		out.Rows = append(out.Rows, rowData(r))
	}
	for _, l := range n.Layers {
		out.Layers = append(out.Layers, l.data())
	}
	return json.Marshal(out)
}
