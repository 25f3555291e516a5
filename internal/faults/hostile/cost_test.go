package hostile

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// childVariable names the framework that a child process serves, and timeoutVariable has how
// long its server reads a request.
const (
	childVariable   = "INNGESTKIT_HOSTILE_SERVER"
	timeoutVariable = "INNGESTKIT_HOSTILE_TIMEOUT"
)

// serveUntilEOF serves a site, prints its address, and then, for each line of standard
// input, what the process has used.
func serveUntilEOF(framework, timeout string) error {
	patience, err := time.ParseDuration(timeout)
	if err != nil {
		return err
	}
	app, err := newApp(new(site), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = within(patience, testsite.Frameworks[framework](app)).Serve(listener) }()
	fmt.Fprintln(os.Stdout, listener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			return err
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return err
		}
		_, peak, _ := strings.Cut(string(status), "VmHWM:") // not Maxrss, which starts with the parent's
		var kib int64
		if _, err := fmt.Sscan(peak, &kib); err != nil {
			return err
		}
		fmt.Fprintln(os.Stdout, r.Utime.Nano()+r.Stime.Nano(), kib)
	}
	return nil
}

// child is a site in a process of its own.
type child struct {
	site

	in  io.Writer
	out *bufio.Reader
}

// usage is what a process has used since it started.
type usage struct {
	cpu  time.Duration
	peak int64 // the maximum memory in KiB
}

func newChild(t *testing.T, framework string, timeout time.Duration) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+framework, timeoutVariable+"="+timeout.String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
	})
	c := &child{in: in, out: bufio.NewReader(out)}
	_, err = fmt.Fscanln(c.out, &c.addr)
	require.NoError(t, err)
	return c
}

func (c *child) used(t *testing.T) usage {
	t.Helper()
	_, err := fmt.Fprintln(c.in)
	require.NoError(t, err)
	var u usage
	_, err = fmt.Fscanln(c.out, &u.cpu, &u.peak)
	require.NoError(t, err)
	return u
}

var long = flag.Bool("faults.long", false, "run every attack on every framework")

// The bounds are about three times what was measured, see docs/reliability.md. They say
// nothing about the speed of the network.
const (
	mostCPU  = 250 * time.Millisecond // for one request, with the race detector
	mostPeak = 64 * raceFactor        // MiB, for 100 requests at a time whose body is not read, or small
	// mostLarge is the bound in MiB for large bodies of requests whose signature only looks
	// valid. The app has to read them to find out; they share 64 MiB.
	mostLarge = 600 * raceFactor
)

// attacks are the most expensive requests that strangers can make.
var attacks = []struct {
	name      string
	signature func() string
	body      string
	most      int64    // in MiB
	short     []string // the frameworks of the short form; what the app does is the same with all
}{
	{"unsigned, 8 MiB of numbers", func() string { return "X: y" }, "[" + strings.Repeat("5e-324,", inngestkit.DefaultMaxBodyBytes/7-1) + "1]", mostPeak, each},
	{"forged, 4 KiB of numbers", forged, "[" + strings.Repeat("5e-324,", 580) + "1]", mostPeak, each[:1]},
	{"forged, 256 KiB of numbers", forged, "[" + strings.Repeat("5e-324,", 256<<10/7-1) + "1]", mostPeak, each},
	{"forged, 8 MiB of numbers", forged, "[" + strings.Repeat("5e-324,", inngestkit.DefaultMaxBodyBytes/7-1) + "1]", mostLarge, nil},
	{"forged, 8 MiB of arrays", forged, strings.Repeat("[", inngestkit.DefaultMaxBodyBytes), mostLarge, nil},
}

// each has one framework for each HTTP server. Gin and Echo use that of net/http.
var each = []string{"nethttp", "fiber", "fiberv3"}

// One request without a valid signature costs little CPU time, and 100 at a time bounded
// memory. Lambda is left out: an instance gets one request at a time, and the gateway reads
// its body before.
func TestCostOfStrangers(t *testing.T) { //nolint:paralleltest // it measures
	for framework := range testsite.Frameworks {
		for _, attack := range attacks {
			if framework == "lambda" || !*long && !slices.Contains(attack.short, framework) {
				continue
			}
			t.Run(framework+"/"+attack.name, func(t *testing.T) {
				c := newChild(t, framework, timeout)
				request := []byte(head("PUT", endpoint, length(attack.body), attack.signature()) + attack.body)
				c.exchange(t, []byte(head("PUT", endpoint, "Content-Length: 2")+"{}"), "PUT") // warms up
				before := c.used(t)
				c.exchange(t, request, "PUT")
				one := c.used(t)
				var all sync.WaitGroup
				for range 100 {
					all.Go(func() { c.exchange(t, request, "PUT") })
				}
				all.Wait()
				hundred := c.used(t)
				cpu, peak := one.cpu-before.cpu, (hundred.peak-before.peak)/1024
				t.Logf("%s, %s: %.1f ms of CPU time for one, %.1f ms each and %d MiB for 100 at a time", framework, attack.name,
					cpu.Seconds()*1e3, (hundred.cpu-one.cpu).Seconds()*1e3/100, peak)
				require.Less(t, cpu, mostCPU)
				require.Less(t, peak, attack.most)
				c.works(t)
			})
		}
	}
}
