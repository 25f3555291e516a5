package benchmarks

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// usage is what a process has used of the machine since it started.
type usage struct {
	cpu time.Duration
	// peak is the maximum memory, in KiB.
	peak int64
}

// used requests the usage of a server's process.
func (p *process) used(b *testing.B) usage {
	b.Helper()
	_, err := fmt.Fprintln(p.in, "usage")
	require.NoError(b, err)
	var u usage
	_, err = fmt.Fscanln(p.out, &u.cpu, &u.peak)
	require.NoError(b, err)
	return u
}

// answerQuestions is the other side of used, in the server's process, until standard input
// ends.
func answerQuestions() error {
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		u, err := ownUsage()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(os.Stdout, int64(u.cpu), u.peak); err != nil {
			return err
		}
	}
	return questions.Err()
}

func ownUsage() (usage, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return usage{}, err
	}
	// Not Maxrss of Getrusage: it starts with the parent's.
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return usage{}, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var peak int64
	if _, err := fmt.Sscan(rest, &peak); err != nil {
		return usage{}, err
	}
	return usage{time.Duration(r.Utime.Nano() + r.Stime.Nano()), peak}, nil
}
