package stat

import "math"

// Matern52 returns the Matern correlation with nu = 5/2 (Rasmussen and Williams,
// Gaussian Processes for Machine Learning, 2006, equation 4.17) of two points
// whose squared distance, in length scales, is r2.
func Matern52(r2 float64) float64 { return matern(math.Sqrt(5 * r2)) }

// matern is Matern52 as a function of the square root of 5 times the distance.
func matern(s float64) float64 { return (1 + s + s*s/3) * math.Exp(-s) }

// SquaredDistance returns the squared Euclidean distance of two points. b has at
// least as many coordinates as a; those beyond are ignored.
func SquaredDistance(a, b []float64) float64 {
	sum := 0.0
	b = b[:len(a)]
	for i, v := range a {
		d := v - b[i]
		sum += d * d
	}
	return sum
}
