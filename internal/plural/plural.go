// Package plural counts things in words.
package plural

import "strconv"

// Of returns "1 network" or "2 networks". The noun forms its plural with an s.
func Of(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
