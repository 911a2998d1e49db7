package main

import (
	"strings"

	"github.com/spf13/cobra"

	"nas/blocks/zoo"
)

func newZoo(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "zoo [NAME]",
		Short: "List the reference networks, with counts and published figures",
		Long: `Zoo lists the networks of the literature that ARCH can name, each in its
published base form. With a name: its paper, its options, what was published.`,
		Example: `  nas zoo
  nas zoo mobilenet_v2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var views []zooView
			for _, e := range zoo.Entries() {
				if len(args) == 0 || e.Name == args[0] {
					v, err := zooViewOf(e)
					if err != nil {
						return err
					}
					views = append(views, v)
				}
			}
			if len(views) == 0 {
				_, err := zoo.Get(args[0])
				return usage(err)
			}
			if a.json {
				return a.writeJSON(map[string]any{"networks": views})
			}
			if len(args) == 1 {
				views[0].print(a)
				return nil
			}
			t := table{head: []string{"name", "input", "params", "MACs", "top-1 %", "options"}}
			for _, v := range views {
				top1 := "-"
				for _, f := range v.Published {
					if f.Quantity == "top1_pct" && f.Options == "" {
						top1 = trimFloat(f.Value)
						break
					}
				}
				var options []string
				for _, o := range v.Options {
					options = append(options, o.Name)
				}
				t.add(v.Name, shapeOf(v.Input), si(v.Params), si(v.MACs), top1, strings.Join(options, ", "))
			}
			t.write(a.stdout)
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

type zooView struct {
	Name      string          `json:"name"`
	Paper     string          `json:"paper"`
	Input     [3]int          `json:"input"`
	Params    int64           `json:"params"`
	MACs      int64           `json:"macs"`
	Options   []zooOption     `json:"options"`
	Published []publishedView `json:"published"`
}

type zooOption struct {
	Name    string `json:"name"`
	Default string `json:"default"`
	Allowed string `json:"allowed"`
}

type publishedView struct {
	Options  string  `json:"options"`
	Quantity string  `json:"quantity"`
	Value    float64 `json:"value"`
	Source   string  `json:"source"`
	Note     string  `json:"note,omitempty"`
}

func zooViewOf(e zoo.Entry) (zooView, error) {
	n, err := zoo.Get(e.Name)
	if err != nil {
		return zooView{}, err
	}
	c := n.Counts()
	v := zooView{
		Name: e.Name, Paper: e.Paper, Input: hwc(n.Input()), Params: c.Params, MACs: c.MACs,
		Options: []zooOption{}, Published: []publishedView{},
	}
	for _, o := range e.Options {
		v.Options = append(v.Options, zooOption{o.Name, o.Default, o.Allowed})
	}
	for _, f := range e.Figures {
		v.Published = append(v.Published, publishedView{f.Options, f.Quantity, f.Value, f.Source, f.Note})
	}
	return v, nil
}

func (v zooView) print(a *app) {
	a.printf("%s: %s\n", v.Name, v.Paper)
	a.printf("  input %s, %d params, %d MACs\n", shapeOf(v.Input), v.Params, v.MACs)
	if len(v.Options) > 0 {
		a.printf("\n")
		t := table{head: []string{"option", "default", "allowed"}}
		for _, o := range v.Options {
			t.add(o.Name, o.Default, o.Allowed)
		}
		t.write(a.stdout)
	}
	if len(v.Published) > 0 {
		a.printf("\n")
		t := table{head: []string{"published", "value", "of", "source"}}
		for _, f := range v.Published {
			of := f.Options
			if of == "" {
				of = "base form"
			}
			source := f.Source
			if f.Note != "" {
				source += " (" + f.Note + ")"
			}
			t.add(f.Quantity, trimFloat(f.Value), of, source)
		}
		t.write(a.stdout)
	}
}
