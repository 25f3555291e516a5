// The program plot reads the output of BenchmarkGrowth from standard input, draws it as an SVG,
// and prints it as a table in Markdown:
//
//	go test -run '^$' -bench 'Growth|Register' -count 3 ./internal/conformance/benchmarks |
//	    go run ./internal/conformance/benchmarks/plot -o docs/growth.svg
//
// Of several runs it takes the medians.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"golang.org/x/perf/benchfmt"
)

func main() {
	file := flag.String("o", "growth.svg", "the file to draw to")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, file string) error {
	results, err := read(in)
	if err != nil {
		return err
	}
	if err := printTable(out, results); err != nil {
		return err
	}
	svg, err := drawSVG(results)
	if err != nil {
		return err
	}
	return os.WriteFile(file, svg, 0o644) //nolint:gosec // it is a part of the documentation
}

// result is one benchmark: what grew, its size, and the medians of the metrics by unit.
type result struct {
	quantity string
	size     int
	metrics  map[string]float64
}

// read returns the results in the order of the benchmarks.
func read(in io.Reader) ([]result, error) {
	samples := map[string]map[string][]float64{}
	var order []string
	for reader := benchfmt.NewReader(in, "stdin"); reader.Scan(); {
		r, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue // a line of another kind
		}
		name := strings.Clone(string(r.Name.Full()))
		if samples[name] == nil {
			samples[name] = map[string][]float64{}
			order = append(order, name)
		}
		for _, v := range r.Values {
			unit, value := v.Unit, v.Value
			if v.OrigUnit != "" {
				unit, value = v.OrigUnit, v.OrigValue
			}
			samples[name][unit] = append(samples[name][unit], value)
		}
	}
	var results []result
	for _, name := range order {
		r := result{quantity: base(name), metrics: map[string]float64{}}
		if quantity, size, ok := strings.Cut(strings.TrimPrefix(r.quantity, "Growth/"), "="); ok {
			n, err := strconv.Atoi(size)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			r.quantity, r.size = quantity, n
		}
		for unit, values := range samples[name] {
			slices.Sort(values)
			r.metrics[unit] = values[len(values)/2]
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, errors.New("standard input has no results of benchmarks")
	}
	return results, nil
}

// base returns the name of a benchmark without the number of processors.
func base(name string) string {
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		return name[:i]
	}
	return name
}

func printTable(out io.Writer, results []result) error {
	var b strings.Builder
	b.WriteString("| | ours | SDK | ratio | ours allocates | SDK |\n|---|---|---|---|---|---|\n")
	for _, r := range results {
		what, sdk := fmt.Sprintf("%s %d", r.quantity, r.size), r.metrics["µs/sdk"]
		if r.size == 0 {
			what = r.quantity
		}
		ours := r.metrics["µs/ours"]
		fmt.Fprintf(&b, "| %s | %s | %s | %.2f | %s | %s |\n", what, duration(ours), duration(sdk), ours/sdk,
			size(r.metrics["B/ours"]), size(r.metrics["B/sdk"]))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// duration formats microseconds with three digits.
func duration(microseconds float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(microseconds*1e-6, 'g', 3, 64), 64)
	if err != nil {
		panic(err) // FormatFloat has written it
	}
	return humanize.SIWithDigits(rounded, 2, "s")
}

func size(n float64) string { return humanize.IBytes(uint64(n)) }
