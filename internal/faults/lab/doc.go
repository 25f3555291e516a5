// Package lab runs apps as processes behind proxies, records what they do in a ledger, and
// computes verdicts from the ledger and the server's API.
package lab
