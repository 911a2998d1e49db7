package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// printable is text as a terminal may see it. Names come from files of others, and control characters in them
// would move the cursor, set the title or hide text: each becomes its escape, as in \x1b. The ends of lines and
// tabs stay.
func printable(s string) string {
	return escaped(s, func(r rune) bool { return r != '\n' && r != '\t' && unprintable(r) }, func(r rune) string {
		if r < 0x80 {
			return fmt.Sprintf(`\x%02x`, r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})
}

var word = regexp.MustCompile(`\S+`)

// longWord is the bytes of a word longer than a path or one of an arch string.
const longWord = 2000

// shortened cuts words that nobody can read.
func shortened(s string) string {
	return word.ReplaceAllStringFunc(s, func(w string) string {
		if len(w) < longWord {
			return w
		}
		return strings.ToValidUTF8(w[:100], "") + fmt.Sprintf("... (%d bytes)", len(w))
	})
}

// oneLine is printable for the cell of a table.
func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(printable(s))
}

// unprintable tells control characters, and those that turn the direction of text.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r >= 0x200e && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// escaped replaces characters by their escapes, and bytes that are no UTF-8 by U+FFFD.
func escaped(s string, bad func(rune) bool, escape func(rune) string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if !strings.ContainsFunc(s, bad) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if bad(r) {
			b.WriteString(escape(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// printableJSON escapes in JSON what its encoder leaves.
func printableJSON(data []byte) []byte {
	bad := func(r rune) bool { return r >= 0x7f && unprintable(r) }
	if !bytes.ContainsFunc(data, bad) {
		return data
	}
	return []byte(escaped(string(data), bad, func(r rune) string { return fmt.Sprintf(`\u%04x`, r) }))
}
