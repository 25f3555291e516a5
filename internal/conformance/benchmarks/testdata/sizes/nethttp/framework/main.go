// Package main serves a greeting with net/http.
package main

import (
	"log"
	"net/http"
)

func main() {
	r := http.NewServeMux()
	r.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	log.Fatal(http.ListenAndServe(":8080", r))
}
