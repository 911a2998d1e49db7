// Package levenshtein measures how far a misspelt name is from a right one.
package levenshtein

// Distance returns the least number of insertions, deletions and changes of bytes
// that turn a into b (Levenshtein, Soviet Physics Doklady 10, 1966). It takes
// O(len(a) len(b)).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
