package limits

// Singleton lets one run per key be under way: from the moment it is scheduled until it
// has ended, also while it sleeps or waits. Each function has its own.
type Singleton struct {
	runs map[string]string // the run that holds a key
	keys map[string]string // the key that a run holds
}

// Acquire gives key to run, and reports whether it did. If not, holder is the run that has
// it. With the mode "skip" the new run then does not start; with the mode "cancel" the
// caller cancels holder, releases it and acquires again.
func (s *Singleton) Acquire(key, run string) (holder string, ok bool) {
	if holder, held := s.runs[key]; held {
		return holder, holder == run
	}
	if s.runs == nil {
		s.runs, s.keys = map[string]string{}, map[string]string{}
	}
	s.runs[key], s.keys[run] = run, key
	return run, true
}

// Release frees the key that run holds, if any.
func (s *Singleton) Release(run string) {
	if key, held := s.keys[run]; held {
		delete(s.runs, key)
		delete(s.keys, run)
	}
}
