// Package routers tests adapters/nethttp on other routers than an http.ServeMux, and in
// applications that frameworks on net/http make. It is its own package, because an app looks
// for itself on all ports of its program.
package routers
