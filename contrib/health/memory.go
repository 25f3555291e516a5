package inngesthealth

import "runtime"

// readMemory is the memory of this process.
func readMemory() Memory { return Memory{} }

func readSystem() SystemMetrics { return SystemMetrics{Goroutines: runtime.NumGoroutine()} }
