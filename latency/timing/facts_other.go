//go:build !linux

package timing

import "os"

func hostFacts(f *Facts) { f.Host, _ = os.Hostname() }

func temperature() float64 { return 0 }

func stolen() (seconds float64, ok bool) { return 0, false }
