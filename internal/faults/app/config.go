package app

import (
	"encoding/json"
	"os"
)

// Env is the environment variable with the [Config] of an app process, as JSON.
const Env = "FAULTS_APP"

// Config configures one app process.
type Config struct {
	// ID is the ID of the app, and Name tells its processes apart in the ledger.
	ID, Name string
	// Framework is a key of testsite.Frameworks.
	Framework string
	// Ledger, Server and API are URLs: of the ledger, of the Inngest server for events and
	// syncs, and of its API for checkpoints.
	Ledger, Server, API string
	// ServeHost is the address that the app announces: that of its proxy.
	ServeHost string
	// SigningKey and EventKey select cloud mode. Without them the app is in dev mode.
	SigningKey, EventKey string
	// Build is the version of the functions, the zero value the first one.
	Build Build
	// Wrong breaks a promise on purpose, to show that the laboratory notices.
	Wrong Wrong
	// Quiet runs steps without the ledger, for measurements.
	Quiet bool
	// MaxInFlight is the field of inngestkit.Config, Concurrency that of fiber.Config.
	MaxInFlight, Concurrency int
	// Connect connects to the server (App.Connect) instead of serving HTTP.
	Connect bool
	// Resolver is the address of the name server that the app asks for the Inngest server;
	// that of the machine without it.
	Resolver string
	// Database is what the functions "writes" and "gives-up" write to: the path of a SQLite
	// file, or the URI of a PostgreSQL server.
	Database string
	// Log is the file that the app logs to; stderr without it.
	Log string
}

// A Wrong is a way to break a promise.
type Wrong string

const (
	// Forgetful runs the body of a step outside of step.Run, in every call.
	Forgetful Wrong = "forgetful"
	// Hasty reports a run as completed without running its function.
	Hasty Wrong = "hasty"
	// Silent does not respond to calls.
	Silent Wrong = "silent"
)

// A Build is a version of the functions.
type Build string

const (
	// Original has the steps one to five.
	Original Build = ""
	// Added has a step between two and three.
	Added Build = "added"
	// Removed lacks the step three.
	Removed Build = "removed"
	// Renamed has another ID for the step three.
	Renamed Build = "renamed"
	// Reordered runs the step four before the step three.
	Reordered Build = "reordered"
	// Older lacks the function "checkpoints".
	Older Build = "older"
)

// Steps returns the IDs of the steps of the function "steps", in order.
func (b Build) Steps() []string {
	switch b {
	case Added:
		return []string{"one", "two", "extra", "three", "four", "five"}
	case Removed:
		return []string{"one", "two", "four", "five"}
	case Renamed:
		return []string{"one", "two", "third", "four", "five"}
	case Reordered:
		return []string{"one", "two", "four", "three", "five"}
	default:
		return []string{"one", "two", "three", "four", "five"}
	}
}

// fromEnv returns the configuration in the environment.
func fromEnv() (cfg Config, ok bool, err error) {
	text, ok := os.LookupEnv(Env)
	if ok {
		err = json.Unmarshal([]byte(text), &cfg)
	}
	return cfg, ok, err
}
