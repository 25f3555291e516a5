// Package hostile tests what strangers can do to an app in cloud mode: malformed requests,
// their cost, and what their responses reveal. Every test runs on every adapter, over TCP.
package hostile
