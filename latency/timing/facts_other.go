//go:build !linux

package timing

import "os"

func hostFacts(f *Facts) { f.Host, _ = os.Hostname() }
