package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// busyMailer simulates a mail service. It rejects the first mail to each address, to
// show a retry.
type busyMailer struct {
	mu      sync.Mutex
	refused map[string]bool
	sent    int
}

var _ Mailer = (*busyMailer)(nil)

// Welcome implements [Mailer].
func (m *busyMailer) Welcome(_ context.Context, email, _ string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.refused[email] {
		if m.refused == nil {
			m.refused = map[string]bool{}
		}
		m.refused[email] = true
		return "", errors.New("the mail server is busy")
	}
	m.sent++
	return fmt.Sprintf("mail-%d", m.sent), nil
}
