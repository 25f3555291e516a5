// Package main serves a function with net/http and our adapter.
package main

import (
	"log"
	"net/http"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/ours"
)

func main() {
	r := http.NewServeMux()
	r.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	inngesthttp.Mount(r, ours.NewApp())
	log.Fatal(http.ListenAndServe(":8080", r))
}
