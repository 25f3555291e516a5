// Package main serves a function with net/http and the SDK mounted by hand.
package main

import (
	"log"
	"net/http"

	"github.com/inngestkit/inngestkit/internal/conformance/benchmarks/testdata/shop/sdk"
)

func main() {
	r := http.NewServeMux()
	r.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	r.Handle("/api/inngest", sdk.NewHandler())
	log.Fatal(http.ListenAndServe(":8080", r))
}
