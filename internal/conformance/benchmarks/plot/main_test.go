package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const output = `goos: linux
BenchmarkGrowth/steps=1-2         	     100	     27664 B/ours	    130920 B/sdk	         4.000 sdk:ours	       100.0 µs/ours	       400.0 µs/sdk
BenchmarkGrowth/steps=1000-2      	       1	    892472 B/ours	   3967416 B/sdk	         4.000 sdk:ours	      2500 µs/ours	     10000 µs/sdk
BenchmarkGrowth/steps=1000-2      	       1	    892472 B/ours	   3967416 B/sdk	         4.000 sdk:ours	      9000 µs/ours	     90000 µs/sdk
BenchmarkGrowth/steps=1000-2      	       1	    892472 B/ours	   3967416 B/sdk	         4.000 sdk:ours	      2000 µs/ours	      8000 µs/sdk
BenchmarkRegister-2               	       1	  30354848 B/ours	  95968752 B/sdk	        10.00 sdk:ours	     75000 µs/ours	    750000 µs/sdk
PASS
`

func TestRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "growth.svg")
	var table strings.Builder
	require.NoError(t, run(strings.NewReader(output), &table, file))
	require.Equal(t, `| | ours | SDK | ratio | ours allocates | SDK |
|---|---|---|---|---|---|
| steps 1 | 100 µs | 400 µs | 0.25 | 27 KiB | 128 KiB |
| steps 1000 | 2.5 ms | 10 ms | 0.25 | 872 KiB | 3.8 MiB |
| Register | 75 ms | 750 ms | 0.10 | 29 MiB | 92 MiB |
`, table.String(), "medians")
	svg, err := os.Open(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, svg.Close()) }()
	for decoder := xml.NewDecoder(svg); ; {
		if _, err = decoder.Token(); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, io.EOF)
	require.ErrorContains(t, run(strings.NewReader("PASS\n"), io.Discard, file), "no results of benchmarks")
}
