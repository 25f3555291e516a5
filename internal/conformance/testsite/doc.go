// Package testsite contains the helpers that the packages of conformance tests share: servers,
// logs, HTTP requests, waiting and counting.
package testsite
