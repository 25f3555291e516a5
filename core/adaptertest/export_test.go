package adaptertest

import "time"

// HurryUp shortens the timeout of the suite, for tests in which it has to fail.
func HurryUp() { timeout = 3 * time.Second }

// Cases lists the names of all cases.
func Cases() []string {
	names := []string{"goroutines"}
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}
