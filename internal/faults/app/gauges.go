package app

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Gauges precedes the address of a process's gauges in its output.
const Gauges = "gauges on "

// A Gauge is what a process uses at one time.
type Gauge struct {
	// Heap is what is left after garbage collections, and Resident the memory of the process
	// that is in RAM, both in bytes.
	Heap, Resident uint64
	// Goroutines and Files are numbers of goroutines and of open file descriptors.
	Goroutines, Files int
	// CPU is the processor time that the process has used.
	CPU time.Duration
}

// serveGauges serves a [Gauge] on a port of its own until ctx ends.
func serveGauges(ctx context.Context) (addr string, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		gauge, err := read()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(gauge)
	})
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return listener.Addr().String(), nil
}

func read() (g Gauge, err error) {
	runtime.GC()
	runtime.GC() // a sync.Pool keeps its values over the first one
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	g.Heap, g.Goroutines = memory.HeapAlloc, runtime.NumGoroutine()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return g, err
	}
	g.Files = len(files)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return g, err
	}
	pages, err := strconv.ParseUint(strings.Fields(string(statm))[1], 10, 64)
	g.Resident = pages * uint64(os.Getpagesize())
	g.CPU = processorTime()
	return g, err
}

// processorTime returns the processor time that this process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
